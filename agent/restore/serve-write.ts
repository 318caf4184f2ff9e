import type { MessagePort } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { PieceRestorer } from './piece-restorer.ts';
import type { FromWriter, ToWriter } from './write-message.ts';

/** The thread's side of a restore: does one message after the other and answers each. After a failure it does nothing more. */
export function serveWrite(port: MessagePort): void {
  const tell = (message: FromWriter): void => {
    port.postMessage(message);
  };
  let restorer: PieceRestorer | undefined;
  let hasFailed = false;
  const perform = async (message: ToWriter): Promise<void> => {
    if (message.kind === 'open') {
      restorer = new PieceRestorer(message.settings);
      return;
    }
    if (restorer === undefined) throw bug('a restore thread got work before its settings');
    if (message.kind === 'piece') tell({ kind: 'done', storedBytes: await restorer.restore(message.task), files: 0 });
    else tell({ kind: 'done', storedBytes: 0, files: await restorer.end(message.files) });
  };
  let work = Promise.resolve();
  port.on('message', (message: ToWriter) => {
    if (message.kind === 'piece') restorer?.expect(message.task);
    work = work
      .then(async () => {
        if (!hasFailed) await perform(message);
      })
      .catch((error: unknown) => {
        hasFailed = true;
        tell(failureOf(error));
      });
  });
}

/** Errors cross the thread border as code and parameters: class identity does not survive it. */
function failureOf(error: unknown): FromWriter {
  const known = error instanceof HoldfastError ? error : bug(`a restore thread failed: ${String(error)}`, error);
  return { kind: 'failed', code: known.code, params: known.params, stack: error instanceof Error ? (error.stack ?? '') : '' };
}
