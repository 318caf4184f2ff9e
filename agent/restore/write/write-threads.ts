import { Worker } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';
import { HoldfastError, isErrorCode } from '#core/errors/holdfast-error.ts';
import { keepBusy, untilAllDone } from '#agent/copy/threads/keep-busy.ts';
import { logRooms } from '#agent/wal/threads/log-rooms.ts';
import { threadFile, threadOptions } from '#agent/copy/threads/thread-file.ts';
import { cell } from '#agent/copy/threads/shared-control.ts';
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
    logRooms.letGo();
    this.#threads = Array.from({ length: count }, () => new Worker(threadFile('restore-thread'), threadOptions));
    for (const thread of this.#threads) thread.postMessage({ kind: 'open', settings } satisfies ToWriter);
  }

  /** Works off all messages; `onDone` hears each answer. Rejects with the first failure, after all threads stopped working. */
  async run(messages: Iterable<ToWriter>, onDone: (done: Done) => void): Promise<void> {
    const queue = messages[Symbol.iterator]();
    await untilAllDone(this.#threads.map((thread) => this.#serve(thread, queue, onDone)));
  }

  stop(): void {
    Atomics.store(this.#settings.cells, cell.stop, 1n);
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #serve(thread: Worker, queue: Iterator<ToWriter>, onDone: (done: Done) => void): Promise<void> {
    return keepBusy<ToWriter, FromWriter>({
      ...{ thread, name: 'restore', ahead, queue },
      take: (message) => {
        if (message.kind === 'failed') return errorOf(message);
        onDone(message);
        return undefined;
      },
      stop: () => {
        this.stop();
      },
    });
  }
}

function errorOf(message: Extract<FromWriter, { kind: 'failed' }>): HoldfastError {
  if (!isErrorCode(message.code)) return bug(`a restore thread failed with ${message.code}`, message.stack);
  return new HoldfastError(message.code, message.params, message.stack);
}
