import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { threadFile, threadOptions } from './thread-file.ts';

/** Threads that a copy has for so many channels. */
export const threadsFor = (channels: number): number => Math.max(1, Math.min(channels, 2 * availableParallelism()));

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
