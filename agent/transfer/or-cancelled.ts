import { fail } from '#core/errors/fail.ts';

/** The value of a promise, or `cancelled` at once when the signal aborts first: what was asked of a server may take hours. */
export async function orCancelled<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    const refuse = (): void => {
      reject(fail('cancelled', { what: 'the transfer' }));
    };
    if (signal.aborted) refuse();
    else signal.addEventListener('abort', refuse, { once: true, signal: stop.signal });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stop.abort();
    // What lost the race fails when its session is closed; nobody waits for it any more.
    promise.catch(() => undefined);
    aborted.catch(() => undefined);
  }
}
