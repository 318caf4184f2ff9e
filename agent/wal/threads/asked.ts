import { Worker } from 'node:worker_threads';
import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError, isErrorCode } from '#core/errors/holdfast-error.ts';
import { threadFile, threadOptions } from '#agent/copy/threads/thread-file.ts';
import type { Answered, Asked, Failure } from './log-message.ts';

interface Waiting<A> {
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

/** A worker thread that answers each question once, in their order. What it held when it is lost is not known: all that waits fails. */
export class AskedThread<Q, A> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting<A>>();
  #lost: HoldfastError | undefined;
  #isClosing = false;
  #task = 0;

  /** `name` is that of its source file; `settings` are cloned. */
  constructor(name: string, settings: unknown) {
    this.#worker = new Worker(threadFile(name), { ...threadOptions, name, workerData: settings });
    this.#worker.on('message', (answer: Answered<A>) => {
      const { task } = answer;
      if ('failure' in answer) this.#waiting.get(task)?.reject(errorOf(answer.failure));
      else this.#waiting.get(task)?.resolve(answer.what);
      this.#waiting.delete(task);
    });
    this.#worker.on('error', (error) => {
      this.#lose(String(error), error);
    });
    this.#worker.on('exit', (code) => {
      this.#lose(`exit code ${String(code)}`, undefined);
    });
  }

  /** Throws what answering threw, `copy_thread_lost`, `cancelled` when it is closed before it answered. */
  ask(what: Q): Promise<A> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    if (this.#isClosing) return Promise.reject(closed());
    const asked: Asked<Q> = { task: this.#task++, what };
    return new Promise((resolve, reject) => {
      this.#waiting.set(asked.task, { resolve, reject });
      this.#worker.postMessage(asked);
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#refuseAll(closed());
    await this.#worker.terminate();
  }

  #lose(why: string, cause: unknown): void {
    if (this.#isClosing) return;
    this.#lost ??= fail('copy_thread_lost', { why }, cause);
    this.#refuseAll(this.#lost);
  }

  #refuseAll(error: HoldfastError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function errorOf({ code, params, stack }: Failure): HoldfastError {
  const error = isErrorCode(code) ? new HoldfastError(code, params) : bug(`a log thread failed with ${code}`);
  if (stack !== '') error.stack = stack;
  return error;
}

const closed = (): HoldfastError => fail('cancelled', { what: 'the log backup' });
