import type { MessagePort } from 'node:worker_threads';
import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { patienceOfThread } from '#agent/copy/outage.ts';
import { transferPace } from '#agent/copy/pace.ts';
import { shouldStop } from '#agent/copy/threads/shared-control.ts';
import { openThreadStore } from '#agent/copy/threads/thread-store.ts';
import { Checker } from './checker.ts';
import type { FromVerifier, ToVerifier, VerifySettings } from './verify-message.ts';

/** The thread's side of a verification: does one check after the other and answers each. After a failure it does nothing more. */
export function serveVerify(port: MessagePort): void {
  const tell = (message: FromVerifier): void => {
    port.postMessage(message);
  };
  let checker: Promise<Checker> | undefined;
  let hasFailed = false;
  const perform = async (message: ToVerifier): Promise<void> => {
    if (message.kind === 'open') {
      checker = openChecker(message.settings);
      return;
    }
    if (checker === undefined) throw bug('a verify thread got work before its settings');
    tell({ kind: 'checked', checked: await (await checker).check(message.check) });
  };
  let work = Promise.resolve();
  port.on('message', (message: ToVerifier) => {
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

async function openChecker({ pool, cells, reconnectMs }: VerifySettings): Promise<Checker> {
  const store = await openThreadStore(pool, patienceOfThread(cells, reconnectMs));
  const pace = transferPace(cells);
  return new Checker({
    store,
    take: (bytes) => pace.take(bytes),
    refuseStopped: () => {
      if (shouldStop(cells)) throw fail('cancelled', { what: 'the verification' });
    },
  });
}

/** Errors cross the thread border as code and parameters: class identity does not survive it. */
function failureOf(error: unknown): FromVerifier {
  const known = error instanceof HoldfastError ? error : bug(`a verify thread failed: ${String(error)}`, error);
  return {
    kind: 'failed',
    code: known.code,
    params: known.params,
    stack: error instanceof Error ? (error.stack ?? '') : '',
  };
}
