import { fail } from '#core/errors/fail.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { CheckRunner } from './check.ts';
import { Checker } from './checker.ts';
import { VerifyThreads } from './verify-threads.ts';

/** A pool whose objects are looked at. `access` opens it once more in worker threads. */
export type VerifiedPool = Pool & { readonly access?: PoolAccess };

/** Less than this is read before a thread has started. */
const worthThreads = 16 * 1_048_576;

/** Where checks of so many bytes are done: on threads, unless there is little to read or no way to open the pool again. */
export const openCheckRunner = (pool: VerifiedPool, step: StepContext, bytes: number): CheckRunner =>
  pool.access === undefined || bytes < worthThreads ? checksHere(pool, step) : new VerifyThreads(pool.access, step);

function checksHere(pool: Pool, step: StepContext): CheckRunner {
  const checker = new Checker({
    store: pool.store,
    // The store of a step keeps to the limits by itself.
    take: () => undefined,
    refuseStopped: () => {
      if (step.signal.aborted) throw fail('cancelled', { what: 'The verification' });
    },
  });
  return {
    run: async (checks, onChecked) => {
      for (const check of checks) onChecked(await checker.check(check));
    },
    close: () => Promise.resolve(),
  };
}
