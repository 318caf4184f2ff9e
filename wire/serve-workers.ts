import { setTimeout as delay } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import type { Worker } from '@temporalio/worker';
import type { TemporalPlace } from './connect.ts';
import { connectionOptions } from './connect.ts';

const firstPauseMs = 250;
const longestPauseMs = 5000;

export interface Service {
  readonly place: TemporalPlace;
  /** Called with each new connection, before anything polls. */
  readonly open: (connection: NativeConnection) => Promise<readonly Worker[]>;
  /** Told of each trouble, with the pause before the next try. */
  readonly onTrouble: (error: unknown, pauseMs: number) => void;
  readonly onServing?: () => void;
}

/**
 * Runs workers until the signal is aborted, then drains them. Temporal may be away at start or later: connecting,
 * creating and running are tried again with growing pauses, for ever.
 */
export async function serveWorkers(service: Service, signal: AbortSignal): Promise<void> {
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      await serveOnce(service, signal);
      pauseMs = firstPauseMs;
    } catch (error) {
      service.onTrouble(error, pauseMs);
    }
    if (!isOver(signal)) await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

const isOver = (signal: AbortSignal): boolean => signal.aborted;

async function serveOnce({ place, open, onServing }: Service, signal: AbortSignal): Promise<void> {
  const connection = await NativeConnection.connect(connectionOptions(place));
  try {
    await runAll(await open(connection), signal, onServing);
  } finally {
    await connection.close();
  }
}

/** Runs all until the signal, or until one ends: half a set of queues is worse than a quick start over. */
async function runAll(workers: readonly Worker[], signal: AbortSignal, onServing?: () => void): Promise<void> {
  const stopAll = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const runs = workers.map((worker) => worker.run().finally(stopAll));
  signal.addEventListener('abort', stopAll, { once: true });
  if (isOver(signal)) stopAll();
  else onServing?.();
  try {
    const ends = await Promise.allSettled(runs);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  } finally {
    signal.removeEventListener('abort', stopAll);
  }
}
