import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RunId } from '#core/id.ts';
import type { AgentChannel } from '#core/ports/host-work.ts';
import { giveTargetBack } from '#agent/drill/replace-target.ts';
import { begunTargets } from '#agent/drill/target-note.ts';
import { begunLogRestores, undoLogRestore } from '#agent/log-restore/log-place.ts';
import { begunRestores, undoRestore } from '#agent/restore/in-place/undo-restore.ts';
import { begunScratches, discardScratch } from '#agent/scratch/scratch-base.ts';

export interface Undoing {
  readonly home: string;
  /** Where scratch instances lie, when it is not below `home`. */
  readonly scratch?: string | undefined;
  readonly channel: Pick<AgentChannel, 'order' | 'closeReport'>;
  /** True while a job of this process works for the run: it cleans up itself. */
  readonly isLive: (runId: RunId) => boolean;
  readonly everyMs: number;
  readonly onUndone: (runId: RunId) => void;
  readonly onTrouble: (runId: RunId, error: unknown) => void;
}

/**
 * Cleans up restores, fetched log and scratch instances whose runs ended without a word to this host, at the start of the agent and then at the interval.
 * Only a run that the API calls over is touched: one that waits for its next attempt keeps everything.
 */
export async function keepUndoing(undoing: Undoing, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { home } = undoing;
    const begun = [
      ...[...begunTargets(home), ...begunRestores(home), ...begunScratches(groundOf(undoing))],
      ...begunLogRestores(home),
    ];
    for (const runId of new Set(begun)) await undoWhenOver(undoing, runId);
    await delay(undoing.everyMs, undefined, { signal }).catch(() => undefined);
  }
}

const groundOf = ({ home, scratch }: Pick<Undoing, 'home' | 'scratch'>) => ({ home, root: scratch });

/** Undoes what one run made when nobody will go on with it; trouble is told and tried again at the next interval. */
export async function undoWhenOver(
  { home, scratch, channel, isLive, onUndone, onTrouble }: Undoing,
  runId: RunId,
): Promise<void> {
  try {
    if (isLive(runId) || !(await isOver(channel, runId)) || isLive(runId)) return;
    await giveTargetBack(home, runId, { closeReport: () => channel.closeReport(runId) });
    await undoRestore(home, runId);
    undoLogRestore(home, runId);
    await discardScratch(groundOf({ home, scratch }), runId);
    onUndone(runId);
  } catch (error) {
    onTrouble(runId, error);
  }
}

/** The API gives out orders of open runs only. */
async function isOver(channel: Undoing['channel'], runId: RunId): Promise<boolean> {
  try {
    await channel.order(runId);
    return false;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'order_refused') return true;
    throw error;
  }
}
