import { setTimeout as pause } from 'node:timers/promises';
import type { OrderOf } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RunId } from '#core/id.ts';
import { createTokenBucket } from '#core/pool/token-bucket.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { AgentChannel, HostWork } from '#core/ports/host-work.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { StepContext } from '#core/ports/step.ts';
import { transferNow } from '#core/run/rate.ts';
import { lostBeforeLeft, lostWarning } from '#core/log/switches/lost-log.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import { openSession } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { readServerFacts } from '#agent/database/server-facts.ts';
import type { ServerFacts } from '#agent/database/server-facts.ts';
import { demandNewestKey } from '#agent/pools/newest-key.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { withRateLimit } from '#agent/pools/rate-limit.ts';
import { patienceOf } from '#agent/pools/retry.ts';
import type { BatchDeps } from '#agent/wal/batch-writer.ts';
import { LogTally } from '#agent/wal/log-tally.ts';
import { levelOf } from '#agent/wal/take-log-backup.ts';
import { demandOpenStream, isOver } from './stream-gate.ts';
import type { ArchivedLegDeps } from './archived-leg.ts';
import { archivedLeg } from './archived-leg.ts';
import type { EndOfLeg } from './follow-leg.ts';
import { followLeg } from './follow-leg.ts';
import { openReplication } from './open-replication.ts';
import type { Slot } from './slot.ts';
import { dropSlot, findSlot, makeSlot, slotAdvice, slotOf } from './slot.ts';
import type { SlotMemory } from './slot-memory.ts';
import { openSlotMemory } from './slot-memory.ts';
import type { StreamLeg } from './stream-route.ts';
import { leftWarning, routeOf } from './stream-route.ts';
import { StreamedBranch } from './streamed-branch.ts';

export interface StreamDeps {
  /** The agent's own directory: which run made a slot is kept below `runs/`. */
  readonly home: string;
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly channel: Pick<AgentChannel, 'putBatch'>;
}

type Order = OrderOf<'log-stream'>;

interface Streaming {
  readonly deps: StreamDeps;
  readonly order: Order;
  readonly step: StepContext;
  readonly tally: LogTally;
  readonly memory: SlotMemory;
  readonly standing: Standing;
}

/** What changes from commit to commit. */
interface Standing {
  /** True while the pool holds all that came through the slot: only then may the slot go. */
  isCovered: boolean;
  /** When it was last looked whether the key of the pool was rotated. */
  keySeenMs: number;
}

/** A stream lives for months: it asks so often whether it still seals under the newest key. */
const keyLookMs = 60_000;
const firstWaitMs = 500;
const longestWaitMs = 15_000;

/**
 * Receives the log of a primary as it is written, over the replication protocol with a slot of its own, until it is
 * cancelled (design §6): the slot goes then, unless it keeps log that the pool may lack. A server, network or pool that went
 * away is waited for without end, for the slot keeps the log. Safe to begin again after a kill: it goes on behind what the pool
 * holds. Throws `cancelled`, `slot_lost`, `slot_refused`, `stream_refused`, `stream_source_standby`, `system_id_mismatch`,
 * `log_put_back`, `passphrase_old` after a rotation, so that the step begins again with an order of now, and for log that is not what it
 * should be what a log backup throws.
 */
export const streamLog = (deps: StreamDeps): HostWork['streamLog'] => {
  /** Stored bytes of runs that began again with another passphrase: counters of a run only grow. */
  const stored = new Map<RunId, number>();
  return async (order, step) => {
    const streaming = begun(deps, order, step);
    streaming.tally.storedBytes = stored.get(order.runId) ?? 0;
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      const beganMs = deps.clock.nowMs();
      try {
        await streamOnce(streaming);
      } catch (error) {
        if (step.signal.aborted) throw await ended(streaming, error);
        if (!(error instanceof HoldfastError) || !error.isRetryable) {
          tellOfSlot(streaming);
          throw error;
        }
        if (error.code === 'passphrase_old') {
          stored.set(order.runId, streaming.tally.storedBytes);
          throw error;
        }
        await needSlot(streaming);
        step.log({ level: 'warn', message: `${error.message}; the stream goes on when it is back` });
      }
      if (deps.clock.nowMs() - beganMs > longestWaitMs) waitMs = firstWaitMs;
      await pause(waitMs, undefined, { signal: step.signal }).catch(() => undefined);
      if (step.signal.aborted) throw await ended(streaming, step.signal.reason);
    }
  };
};

const begun = (deps: StreamDeps, order: Order, step: StepContext): Streaming => ({
  ...{ deps, order, step, tally: new LogTally(step, 0), memory: openSlotMemory(deps.home, order.runId) },
  // Why not covered: a slot that is there already may keep log that an earlier process received and could not commit.
  standing: { isCovered: false, keySeenMs: deps.clock.nowMs() },
});

/** One login: as long as server, network and pool hold. Returns when the server left its timeline. */
async function streamOnce(streaming: Streaming): Promise<void> {
  const { order, step, deps } = streaming;
  const session = await openSession(order.instance);
  try {
    const { segmentBytes, systemId } = await demandSource(session, streaming);
    const slot = await ensureSlot(streaming, session);
    const pool = await openPool(order.pool, patienceOf(step));
    const bucket = createTokenBucket(() => transferNow(step.limits()), deps.clock);
    // Why a signal of its own: the last commit of a stream that is ended goes at the rate of all others.
    const paced = { ...pool, store: withRateLimit(pool.store, bucket, new AbortController().signal) };
    try {
      await streamFrom(streaming, { session, pool: paced, slot, segmentBytes, systemId });
    } finally {
      await pool.close();
    }
  } finally {
    await session.close();
  }
}

async function streamFrom(streaming: Streaming, ground: Omit<LegGround, 'replication'>): Promise<void> {
  const { pool, systemId, segmentBytes, slot } = ground;
  const replication = await openReplication(streaming.order.instance);
  try {
    const { timeline, written } = await replication.identify();
    const { restartLsn } = slot;
    const route = await routeOf({ replication, pool, systemId, segmentBytes, timeline, written, restartLsn });
    for (const warning of route.warnings) tellOnce(streaming, warning);
    for (const leg of route.legs) await follow(streaming, leg, { ...ground, replication });
  } finally {
    replication.close();
  }
}

/** Only a primary of the recorded identity. One that we streamed from may be in recovery for a while: it is waited for. */
async function demandSource(session: Session, { order: { instance }, memory }: Streaming): Promise<ServerFacts> {
  const facts = await readServerFacts(session);
  if (facts.systemId !== instance.systemId)
    throw fail('system_id_mismatch', {
      object: `The instance at ${session.instance}`,
      found: facts.systemId,
      recorded: instance.systemId,
    });
  if (facts.role === 'primary') return facts;
  if (memory.durableTo() === undefined) throw fail('stream_source_standby', { instance: session.instance });
  throw fail('instance_unreachable', { instance: session.instance, reason: 'it is in recovery' });
}

/**
 * The slot of the resource. One that this run made and that is gone now is never made again in silence: log may be missing.
 * One that an earlier run left is taken up; a lost one of an earlier run is replaced, and said.
 */
async function ensureSlot({ order, step, memory, tally, standing }: Streaming, session: Session): Promise<Slot> {
  const name = slotOf(order.instance.resourceId);
  const found = await findSlot(session, name);
  if (found.state === 'usable') {
    await memory.remember(found.slot.restartLsn);
    return found.slot;
  }
  const known = memory.durableTo();
  if (known !== undefined) {
    const reason = found.state === 'lost' ? found.why : 'somebody dropped it, or the server is another one by now';
    throw fail('slot_lost', { slot: name, instance: session.instance, reason, from: known });
  }
  if (found.state === 'lost') {
    tally.warn({ code: 'slot_replaced', detail: `the slot ${name} of an earlier stream was lost: ${found.why}` });
    await dropSlot(session, name);
  }
  const slot = await makeSlot(session, name);
  await memory.remember(slot.restartLsn);
  standing.isCovered = true;
  step.log({ level: 'info', message: `made the replication slot ${name}, which keeps log from ${slot.restartLsn} on` });
  const advice = await slotAdvice(session);
  if (advice !== undefined) tally.warn({ code: 'slot_unbounded', detail: advice });
  return slot;
}

interface LegGround {
  readonly session: Session;
  readonly replication: Awaited<ReturnType<typeof openReplication>>;
  readonly pool: Pool;
  readonly slot: Slot;
  readonly segmentBytes: number;
  readonly systemId: string;
}

/** Log that the server has no more comes from the archive directory; what that has not either is a gap. */
async function follow(streaming: Streaming, first: StreamLeg, ground: LegGround): Promise<void> {
  const { segmentBytes, session, slot } = ground;
  const { left } = first;
  const kept = floorTo(lsnToNumber(slot.restartLsn), segmentBytes);
  const isOver = left !== undefined && kept >= left;
  const to = isOver ? floorTo(left, segmentBytes) : kept;
  let leg = first;
  while ((await followOnce(streaming, leg, ground)) === 'removed') {
    const archived = leg.from < to ? await archivedLeg(archivedDeps(streaming, ground), leg, to) : undefined;
    if (archived === undefined && isOver) {
      tellOfLost(streaming, leg, left, segmentBytes);
      break;
    }
    if (leg.from >= to) throw lost(session, slot, leg.from);
    leg = archived ?? { ...leg, from: to };
  }
  if (left !== undefined) tellOnce(streaming, leftWarning({ timeline: leg.branch.timeline, left }));
}

const batchDeps = ({ deps, order, step }: Streaming, pool: Pool): BatchDeps => ({
  ...{ pool, channel: deps.channel, newId: deps.newId, runId: order.runId },
  ...{ resourceId: order.instance.resourceId, demandOpen: demandOpenStream(step), faults: step.faults },
});

const archivedDeps = (streaming: Streaming, { session, pool, segmentBytes }: LegGround): ArchivedLegDeps => ({
  ...{ clock: streaming.deps.clock, session, order: streaming.order, step: streaming.step },
  ...{ tally: streaming.tally, batches: batchDeps(streaming, pool), segmentBytes },
});

async function followOnce(streaming: Streaming, leg: StreamLeg, ground: LegGround): Promise<EndOfLeg> {
  const { order, tally } = streaming;
  const { pool, segmentBytes } = ground;
  const branch = new StreamedBranch(
    {
      ...{ ...batchDeps(streaming, pool), segmentBytes, tally },
      onCommitted: async (position) => {
        await streaming.memory.note(formatLsn(position));
        await lookForKey(streaming, pool);
      },
      level: levelOf(order.options.compression),
    },
    leg.branch,
    leg.known,
  );
  try {
    return await followInto(branch, streaming, leg, ground);
  } finally {
    await branch.writer.close();
  }
}

async function followInto(
  branch: StreamedBranch,
  streaming: Streaming,
  leg: StreamLeg,
  ground: LegGround,
): Promise<EndOfLeg> {
  const { deps, order, step, standing } = streaming;
  const { session, replication, slot, segmentBytes } = ground;
  const { timeline } = leg.branch;
  if (leg.known.newest !== undefined) await deps.channel.putBatch(leg.known.newest.batch, order.runId);
  await branch.writer.commitHistory(segmentBytes);
  const { isCovered } = standing;
  const parts = {
    ...{ clock: deps.clock, replication, session, step, branch, tailMs: order.tailSeconds * 1000 },
    onReceiving: () => void (standing.isCovered = false),
    onSettled: () => void (standing.isCovered = true),
  };
  step.log({ level: 'info', message: `streaming timeline ${String(timeline)} from ${formatLsn(leg.from)}` });
  const end = await followLeg(parts, { slot: slot.name, timeline, segmentBytes, from: leg.from });
  // Nothing came.
  if (end === 'removed') standing.isCovered = isCovered;
  return end;
}

/** The server has the rest of a timeline that it left no more, and the slot never kept it. */
function tellOfLost(streaming: Streaming, leg: StreamLeg, left: number, segmentBytes: number): void {
  const { timeline } = leg.branch;
  const range = lostBeforeLeft(leg.furthest ?? leg.from, left, segmentBytes);
  if (range === undefined) return;
  const { code, detail } = lostWarning({ timeline, ...range });
  tellOnce(streaming, { code, detail: `${detail}${streaming.tally.gapAdvice}` });
}

/** What others write after a rotation is closed to the old passphrase; so shall be what a stream writes. */
async function lookForKey({ deps, step, standing }: Streaming, pool: Pool): Promise<void> {
  const nowMs = deps.clock.nowMs();
  if (step.signal.aborted || nowMs - standing.keySeenMs < keyLookMs) return;
  standing.keySeenMs = nowMs;
  await demandNewestKey(pool);
}

/** Log came that the pool lacks: whoever cleans up after this process shall leave the slot. */
async function needSlot({ memory, standing }: Pick<Streaming, 'memory' | 'standing'>): Promise<void> {
  if (!standing.isCovered && memory.durableTo() !== undefined) await memory.need();
}

const lost = ({ instance }: Session, { name }: Slot, from: number): Error =>
  fail('slot_lost', { slot: name, instance, reason: 'the server removed its log', from: formatLsn(from) });

function tellOnce({ tally }: Streaming, warning: { readonly code: string; readonly detail: string }): void {
  if (!tally.warnings.some(({ detail }) => detail === warning.detail)) tally.warn(warning);
}

/** A stream that failed keeps its slot: dropping it would lose the log that the next stream can still fetch. */
function tellOfSlot({ order, step, memory }: Streaming): void {
  if (memory.durableTo() === undefined) return;
  const name = slotOf(order.instance.resourceId);
  const message = `if the slot ${name} is still there, it keeps log until the stream is started again: do that, or drop it with pg_drop_replication_slot('${name}')`;
  step.log({ level: 'warn', message });
}

/**
 * A stream that a person ended takes its slot along; one that only moves to the next agent process keeps it, and so does one
 * whose last commit did not cover what it received: the slot has the only copy. What stays is named, for it keeps log.
 */
async function ended({ order, step, memory, standing }: Streaming, error: unknown): Promise<unknown> {
  const { reason } = step.signal as { readonly reason: unknown };
  // Why: what came and was not committed for a run that is over has its only copy in the slot.
  if (isOver(step.signal)) await needSlot({ memory, standing });
  if (!(reason instanceof HoldfastError) || reason.code !== 'cancelled') return error;
  const name = slotOf(order.instance.resourceId);
  if (!standing.isCovered) {
    await needSlot({ memory, standing });
    tellOfKept(step, name, memory.durableTo());
    return reason;
  }
  try {
    const session = await openSession(order.instance);
    try {
      await dropSlot(session, name);
      step.log({ level: 'info', message: `dropped the replication slot ${name}` });
    } finally {
      await session.close();
    }
    await memory.forget();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    step.log({
      level: 'error',
      message: `the replication slot ${name} is still there and keeps log: it is dropped when its server answers (${why})`,
    });
  }
  return reason;
}

function tellOfKept(step: StepContext, name: string, durableTo: Lsn | undefined): void {
  const message =
    durableTo === undefined
      ? `this stream never reached its slot: if an earlier one left ${name}, it keeps log until a stream is started again: do that, or drop it with pg_drop_replication_slot('${name}')`
      : `the replication slot ${name} stays: the pool may lack log behind ${durableTo}, which the server keeps until the stream is started again: do that, or drop it with pg_drop_replication_slot('${name}')`;
  step.log({ level: 'warn', message });
}

const floorTo = (position: number, bytes: number): number => position - (position % bytes);
