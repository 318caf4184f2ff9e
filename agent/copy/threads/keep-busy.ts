import type { Worker } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';

export interface BusyThread<Message, Answer> {
  readonly thread: Worker;
  /** What it is, for errors of a thread that dies: "verify", "restore". */
  readonly name: string;
  /** Messages it may hold, so that it never waits for the main thread. */
  readonly ahead: number;
  readonly queue: Iterator<Message>;
  /** Hears each answer; the error of one that tells of a failure. */
  readonly take: (answer: Answer) => Error | undefined;
  /** Called at a failure, before it is thrown: the other threads shall stop too. */
  readonly stop: () => void;
}

/** Keeps one thread busy until the queue is empty and its answers are in. Rejects with its first failure. */
export function keepBusy<Message, Answer>(busy: BusyThread<Message, Answer>): Promise<void> {
  const { thread, name, ahead, queue, take, stop } = busy;
  return new Promise((resolve, reject) => {
    let open = 0;
    const give = (): void => {
      const next = queue.next();
      if (next.done === true) return;
      open++;
      thread.postMessage(next.value);
    };
    const settle = (how: () => void): void => {
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
      how();
    };
    const failWith = (error: Error): void => {
      stop();
      settle(() => {
        reject(error);
      });
    };
    const onMessage = (answer: Answer): void => {
      const failure = take(answer);
      if (failure !== undefined) {
        failWith(failure);
        return;
      }
      open--;
      give();
      if (open === 0) settle(resolve);
    };
    const onError = (error: unknown): void => {
      failWith(bug(`a ${name} thread crashed`, error));
    };
    const onExit = (code: number): void => {
      failWith(bug(`a ${name} thread ended with ${String(code)}`));
    };
    thread.on('message', onMessage).on('error', onError).on('exit', onExit);
    for (let i = 0; i < ahead; i++) give();
    if (open === 0) settle(resolve);
  });
}

/** Works off a queue on all threads. Throws the first failure, after every thread stopped working: the others only tell that they were stopped. */
export async function untilAllDone(work: readonly Promise<void>[]): Promise<void> {
  const failures: unknown[] = [];
  await Promise.all(
    work.map((one) =>
      one.catch((error: unknown) => {
        failures.push(error);
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
}
