import { Worker } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';
import { HoldfastError, isErrorCode } from '#core/errors/holdfast-error.ts';
import { threadFile, threadOptions } from '#agent/copy/thread-file.ts';
import { cell } from '#agent/copy/shared-control.ts';
import type { FromWriter, ToWriter, WriteSettings } from './write-message.ts';

type Done = Extract<FromWriter, { kind: 'done' }>;

/** Messages a thread may hold: one is sent to the disk, one is unpacked, one is fetched. */
const ahead = 3;

/** A fixed number of threads that work off messages; the first failure stops all of them. */
export class WriteThreads {
  readonly #threads: readonly Worker[];
  readonly #settings: WriteSettings;

  constructor(settings: WriteSettings, count: number) {
    this.#settings = settings;
    this.#threads = Array.from({ length: count }, () => new Worker(threadFile('restore-thread'), threadOptions));
    for (const thread of this.#threads) thread.postMessage({ kind: 'open', settings } satisfies ToWriter);
  }

  /** Works off all messages; `onDone` hears each answer. Rejects with the first failure, after all threads stopped working. */
  async run(messages: readonly ToWriter[], onDone: (done: Done) => void): Promise<void> {
    const queue = messages.values();
    const failures: unknown[] = [];
    const work = this.#threads.map((thread) =>
      this.#serve(thread, queue, onDone).catch((error: unknown) => {
        failures.push(error);
      }),
    );
    await Promise.all(work);
    // The others only tell that they were stopped.
    if (failures.length > 0) throw failures[0];
  }

  stop(): void {
    Atomics.store(this.#settings.cells, cell.stop, 1n);
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  /** Keeps one thread busy until the queue is empty and its answers are in. */
  #serve(thread: Worker, queue: IterableIterator<ToWriter>, onDone: (done: Done) => void): Promise<void> {
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
      const failWith = (error: unknown): void => {
        this.stop();
        settle(() => {
          reject(error instanceof Error ? error : bug(String(error)));
        });
      };
      const onMessage = (message: FromWriter): void => {
        if (message.kind === 'failed') {
          failWith(errorOf(message));
          return;
        }
        onDone(message);
        open--;
        give();
        if (open === 0) settle(resolve);
      };
      const onError = (error: unknown): void => {
        failWith(bug('a restore thread crashed', error));
      };
      const onExit = (code: number): void => {
        failWith(bug(`a restore thread ended with ${String(code)}`));
      };
      thread.on('message', onMessage).on('error', onError).on('exit', onExit);
      for (let i = 0; i < ahead; i++) give();
      if (open === 0) settle(resolve);
    });
  }
}

function errorOf(message: Extract<FromWriter, { kind: 'failed' }>): HoldfastError {
  if (!isErrorCode(message.code)) return bug(`a restore thread failed with ${message.code}`, message.stack);
  return new HoldfastError(message.code, message.params, message.stack);
}
