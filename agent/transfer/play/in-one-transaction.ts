import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Session } from '#agent/database/session.ts';

/** Runs steps in one transaction of a session; what the server refuses undoes all of them. */
export async function inOneTransaction<T>(live: Session, name: string, steps: () => Promise<T>): Promise<T> {
  await live.query('begin');
  try {
    // A table that somebody reads for hours holds everybody else up while we wait for it.
    await live.query(`set local lock_timeout = '20s'`);
    const done = await steps();
    await live.query('commit');
    return done;
  } catch (error) {
    if (!live.lost.aborted) await live.query('rollback');
    const isRefused = error instanceof HoldfastError && error.code === 'query_failed';
    if (!isRefused) throw error;
    throw fail('transfer_swap_refused', { name, reason: error.params['reason'] ?? error.message }, error);
  }
}
