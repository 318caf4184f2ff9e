import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { RunId } from '#core/id.ts';
import type { SlotTold, SlotVerdict } from '#core/log/left-slot.ts';
import type { Clock } from '#core/ports/clock.ts';
import { openSession } from '#agent/database/session.ts';
import { begunStreams, openSlotMemory } from './slot-memory.ts';
import { dropSlot, lookAtSlot, slotOf } from './slot.ts';

export interface SlotKeeping {
  readonly home: string;
  readonly clock: Clock;
  readonly channel: SlotChannel;
  /** True while a job of this process works for the run: it sees to its slot itself. */
  readonly isLive: (runId: RunId) => boolean;
  readonly everyMs: number;
  readonly onDropped: (runId: RunId, slot: string) => void;
  readonly onTrouble: (runId: RunId, error: unknown) => void;
}

/** What the API says and hears of slots. */
export interface SlotChannel {
  slotVerdict(runId: RunId): Promise<SlotVerdict>;
  tellSlot(runId: RunId, told: SlotTold): Promise<void>;
}

/** A slot that stays is looked at so often: its figure is for an alarm, and each look is a login. */
const lookMs = 60_000;

/**
 * Sees to the slots of streams that ended without this agent: cancelled between two attempts, while it was away, or while the server
 * could not be reached. A slot that nobody wants goes, for it would keep log until the disk of the server is full; one that has the only
 * copy of log, or whose stream failed, stays and is told with what it keeps.
 */
export async function keepSlots(keeping: SlotKeeping, signal: AbortSignal): Promise<void> {
  const lookedMs = new Map<RunId, number>();
  while (!signal.aborted) {
    for (const runId of begunStreams(keeping.home)) {
      const isSettled = await settleWhenDue(keeping, runId, lookedMs.get(runId));
      if (isSettled) lookedMs.set(runId, keeping.clock.nowMs());
    }
    await delay(keeping.everyMs, undefined, { signal }).catch(() => undefined);
  }
}

async function settleWhenDue(keeping: SlotKeeping, runId: RunId, lookedMs: number | undefined): Promise<boolean> {
  const { clock, isLive, onTrouble } = keeping;
  if (isLive(runId) || (lookedMs !== undefined && clock.nowMs() - lookedMs < lookMs)) return false;
  try {
    return (await settleSlot(keeping, runId)) !== 'wait';
  } catch (error) {
    onTrouble(runId, error);
    return true;
  }
}

/** Drops the slot of one ended stream when nobody wants it, or tells what it keeps. Safe to call again. Throws what the server and the API answer. */
export async function settleSlot(keeping: SlotKeeping, runId: RunId): Promise<'wait' | 'gone' | 'left'> {
  const { home, channel, isLive, onDropped } = keeping;
  const memory = openSlotMemory(home, runId);
  const { verdict, instance } = await channel.slotVerdict(runId);
  if (verdict === 'wait' || instance === undefined || isLive(runId)) return 'wait';
  const canDrop = verdict === 'drop' && !memory.isNeeded();
  const told = await look(instance, canDrop, (slot) => {
    onDropped(runId, slot);
  });
  if (told === 'in use') return 'wait';
  // Told first: what is forgotten here is never told again.
  await channel.tellSlot(runId, told);
  if (told.state === 'gone') await memory.forget();
  return told.state;
}

async function look(
  instance: InstanceAccess,
  canDrop: boolean,
  onDropped: (slot: string) => void,
): Promise<SlotTold | 'in use'> {
  const name = slotOf(instance.resourceId);
  const session = await openSession(instance);
  try {
    const found = await lookAtSlot(session, name);
    if (found === undefined) return { state: 'gone' };
    if (found.isActive) return 'in use';
    if (!canDrop) return { state: 'left', slot: name, keptBytes: found.keptBytes, from: found.restartLsn };
    await dropSlot(session, name);
    onDropped(name);
    return { state: 'gone' };
  } finally {
    await session.close();
  }
}
