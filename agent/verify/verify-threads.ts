import { Worker } from 'node:worker_threads';
import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError, isErrorCode } from '#core/errors/holdfast-error.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { StepContext } from '#core/ports/step.ts';
import { keepBusy, untilAllDone } from '#agent/copy/threads/keep-busy.ts';
import { OutageWatch } from '#agent/copy/outage.ts';
import { applyRates, cell, newSharedCells } from '#agent/copy/threads/shared-control.ts';
import { logRooms } from '#agent/wal/threads/log-rooms.ts';
import { threadFile, threadOptions } from '#agent/copy/threads/thread-file.ts';
import type { Check, Checked, CheckRunner } from './check.ts';
import type { FromVerifier, ToVerifier } from './verify-message.ts';

/** A verification shall not take the machine from the database beside it. */
const threadCount = 2;
/** Checks a thread may hold: one in work, one so that it never waits for the main thread. */
const ahead = 2;
const lookEveryMs = 250;

/**
 * Checks on threads of their own, which open the pool once more: reading, decrypting and hashing never hold up the agent.
 * Pauses and limits of the step reach them within a quarter of a second; so does its cancellation.
 */
export class VerifyThreads implements CheckRunner {
  readonly #threads: readonly Worker[];
  readonly #cells = newSharedCells();
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal;

  constructor(pool: PoolAccess, step: StepContext) {
    this.#signal = step.signal;
    const outages = new OutageWatch(this.#cells, step, pool.name);
    const look = (): void => {
      applyRates(this.#cells, step.limits());
      if (step.signal.aborted) this.#stop();
      outages.look();
    };
    look();
    this.#timer = setInterval(look, lookEveryMs);
    logRooms.letGo();
    this.#threads = Array.from({ length: threadCount }, () => new Worker(threadFile('verify-thread'), threadOptions));
    const settings = { cells: this.#cells, pool, reconnectMs: step.reconnectMs };
    for (const thread of this.#threads) thread.postMessage({ kind: 'open', settings } satisfies ToVerifier);
  }

  async run(checks: Iterable<Check>, onChecked: (checked: Checked) => void): Promise<void> {
    const queue = messagesOf(checks);
    await untilAllDone(this.#threads.map((thread) => this.#serve(thread, queue, onChecked)));
    if (this.#signal.aborted) throw fail('cancelled', { what: 'The verification' });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop();
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #stop(): void {
    Atomics.store(this.#cells, cell.stop, 1n);
  }

  #serve(thread: Worker, queue: Iterator<ToVerifier>, onChecked: (checked: Checked) => void): Promise<void> {
    return keepBusy<ToVerifier, FromVerifier>({
      ...{ thread, name: 'verify', ahead, queue },
      take: (message) => {
        if (message.kind === 'failed') return errorOf(message);
        onChecked(message.checked);
        return undefined;
      },
      stop: () => {
        this.#stop();
      },
    });
  }
}

function* messagesOf(checks: Iterable<Check>): Generator<ToVerifier> {
  for (const check of checks) yield { kind: 'check', check };
}

function errorOf({ code, params, stack }: Extract<FromVerifier, { kind: 'failed' }>): HoldfastError {
  if (code === 'cancelled') return fail('cancelled', { what: 'The verification' });
  return isErrorCode(code) ? new HoldfastError(code, params, stack) : bug(`a verify thread failed with ${code}`, stack);
}
