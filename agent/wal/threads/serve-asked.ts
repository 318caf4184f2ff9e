import type { MessagePort } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Answered, Asked } from './log-message.ts';

/** The thread's side of `AskedThread`: answers one question after the other. One that fails leaves the others alone. */
export function serveAsked(port: MessagePort, answer: (what: never) => unknown): void {
  port.on('message', ({ task, what }: Asked<never>) => {
    port.postMessage(answered(task, () => answer(what)));
  });
}

function answered(task: number, answer: () => unknown): Answered<unknown> {
  try {
    return { task, what: answer() };
  } catch (error) {
    const known = error instanceof HoldfastError ? error : bug(`a log thread failed: ${String(error)}`, error);
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    return { task, failure: { code: known.code, params: known.params, stack } };
  }
}
