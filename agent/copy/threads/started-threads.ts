import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { StepContext } from '#core/ports/step.ts';
import { logRooms } from '#agent/wal/threads/log-rooms.ts';
import { threadFile, threadOptions } from './thread-file.ts';

/**
 * Threads that a copy has for so many channels (K-081). A channel is a stream that reads, checks, packs and puts: while one waits for
 * its pool, another has its processor, so that two a processor keep all of them busy. More threads would only wait for each other, at
 * some 25 MiB each; channels above that are allowed and share the threads, and the run says so.
 */
export const threadsFor = (channels: number): number => Math.max(1, Math.min(channels, 2 * availableParallelism()));

/** Says in the log of a run that it has fewer threads than channels. */
export function tellThreads(step: Pick<StepContext, 'log'>, channels: number, threads: number): void {
  if (threads >= channels) return;
  const message = `${String(channels)} channels share ${String(threads)} threads: more would gain nothing`;
  step.log({ level: 'info', message });
}

const startOne = (number: number): Worker =>
  new Worker(threadFile('copy-thread'), { ...threadOptions, name: `copy-${String(number)}` });

/** Threads that load their program while nobody knows yet what to copy: a tenth of a second that a backup need not wait for. */
export interface StartedThreads {
  /** A thread that nobody has; a new one when none is left or it died meanwhile. Who takes it ends it. */
  take(number: number): Worker;
  /** Ends those that nobody took; fine twice. */
  close(): Promise<void>;
}

/** Threads that start when they are taken. */
export const noneStarted: StartedThreads = { take: startOne, close: () => Promise.resolve() };

/** Starts the threads of a copy with so many channels. The caller closes what no copy took. */
export function startThreads(channels: number): StartedThreads {
  logRooms.letGo();
  const waiting = new Set<Worker>();
  for (let number = 0; number < threadsFor(channels); number++) {
    const worker = startOne(number);
    const forget = (): void => {
      waiting.delete(worker);
    };
    waiting.add(worker.on('error', forget).on('exit', forget));
  }
  return {
    take(number) {
      const [worker = startOne(number)] = waiting;
      waiting.delete(worker);
      return worker;
    },
    async close() {
      const left = [...waiting];
      waiting.clear();
      await Promise.all(left.map((worker) => worker.terminate()));
    },
  };
}
