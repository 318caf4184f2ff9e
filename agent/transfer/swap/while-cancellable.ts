import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';

interface Cancelling {
  readonly signal: AbortSignal;
  /** Another session of the same instance. */
  readonly control: Session;
}

/** Lets a cancel end the statement that a session runs, which may take hours; what comes of it is up to `steps`. */
export async function whileCancellable<T>(
  live: Session,
  { signal, control }: Cancelling,
  steps: () => Promise<T>,
): Promise<T> {
  const pid = textOf(await live.queryOne('select pg_backend_pid()::text as pid'), 'pid');
  let ending: Promise<unknown> = Promise.resolve();
  const end = (): void => {
    // A control session that was lost says so at its next use; the statement goes on to its end then.
    ending = control.query('select pg_cancel_backend($1::int)', [pid]).catch(() => undefined);
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    return await steps();
  } finally {
    signal.removeEventListener('abort', end);
    await ending;
  }
}
