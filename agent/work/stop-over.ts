import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RunId } from '#core/id.ts';
import type { AgentChannel } from '#core/ports/host-work.ts';
import type { ClosableJobTable } from './job-table.ts';

export interface StopOver {
  readonly jobs: Pick<ClosableJobTable, 'live' | 'giveUp'>;
  readonly channel: Pick<AgentChannel, 'hooks'>;
  readonly everyMs: number;
  readonly onStopped: (runId: RunId) => void;
}

/**
 * Stops work whose run is over, at the interval: the host was cut off for longer than the reconnect time (K-084), or somebody
 * terminated the workflow. The work cleans up as after a cancel. While the API is away nothing is known, so nothing is stopped.
 */
export async function keepStoppingOver(parts: StopOver, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await stopOver(parts);
    await delay(parts.everyMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One look at everything that works now. */
export async function stopOver({ jobs, channel, onStopped }: StopOver): Promise<void> {
  for (const runId of jobs.live()) {
    if (!(await isOver(channel, runId))) continue;
    jobs.giveUp(runId);
    onStopped(runId);
  }
}

/** The API speaks of open runs only. */
async function isOver(channel: StopOver['channel'], runId: RunId): Promise<boolean> {
  try {
    await channel.hooks(runId);
    return false;
  } catch (error) {
    return error instanceof HoldfastError && error.code === 'order_refused';
  }
}
