import type { MessagePort } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Faults } from '#core/faults/fault-points.ts';
import { reach } from '#core/faults/fault-points.ts';
import { dieAt } from '#agent/faults/die-at.ts';
import { PieceRestorer } from './piece-restorer.ts';
import type { FromWriter, ToWriter } from './write-message.ts';
import { nothingPlaced } from './write-message.ts';

/** The thread's side of a restore: does one message after the other and answers each. After a failure it does nothing more. */
export function serveWrite(port: MessagePort): void {
  const tell = (message: FromWriter): void => {
    port.postMessage(message);
  };
  let restorer: PieceRestorer | undefined;
  let faults: Faults | undefined;
  let hasFailed = false;
  const perform = async (message: ToWriter): Promise<void> => {
    if (message.kind === 'open') {
      restorer = new PieceRestorer(message.settings);
      faults = dieAt(message.settings.fault);
      return;
    }
    if (restorer === undefined) throw bug('a restore thread got work before its settings');
    if (message.kind === 'end') {
      tell({ kind: 'done', ...nothingPlaced, pieces: 0, files: await restorer.end(message.files) });
      return;
    }
    const isPiece = message.kind === 'piece';
    const placed = isPiece ? await restorer.restore(message.task) : await restorer.clear(message.spans);
    const pieces = isPiece && message.task.isLast ? 1 : 0;
    const done = { kind: 'done', ...placed, pieces, files: 0 } as const;
    // Answered when the disk has it, so that a failed write is heard; the next task need not wait for that.
    restorer.flush().then(() => {
      if (isPiece) reach({ faults }, 'restore.after-piece');
      tell(done);
    }, giveUp);
  };
  const giveUp = (error: unknown): void => {
    hasFailed = true;
    tell(failureOf(error));
  };
  let work = Promise.resolve();
  port.on('message', (message: ToWriter) => {
    if (message.kind === 'piece') restorer?.expect(message.task);
    work = work
      .then(async () => {
        if (!hasFailed) await perform(message);
      })
      .catch(giveUp);
  });
}

/** Errors cross the thread border as code and parameters: class identity does not survive it. */
function failureOf(error: unknown): FromWriter {
  const known = error instanceof HoldfastError ? error : bug(`a restore thread failed: ${String(error)}`, error);
  return {
    kind: 'failed',
    code: known.code,
    params: known.params,
    stack: error instanceof Error ? (error.stack ?? '') : '',
  };
}
