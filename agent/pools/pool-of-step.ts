import type { PoolAccess } from '#core/pool/pool-access.ts';
import { createTokenBucket } from '#core/pool/token-bucket.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import { transferNow } from '#core/run/rate.ts';
import type { Pool } from './open-pool.ts';
import { openPool } from './open-pool.ts';
import { withRateLimit } from './rate-limit.ts';
import { patienceOf } from './retry.ts';
import { withPause } from './while-paused.ts';

/**
 * A pool as a step uses it on its own thread: a pool that goes away is waited for (K-084), bodies keep to the transfer
 * limit now in force (K-085), and nothing passes while the step is paused. Throws what `openPool` throws.
 */
export async function openPoolOfStep(access: PoolAccess, step: StepContext, clock: Clock): Promise<Pool> {
  const pool = await openPool(access, patienceOf(step));
  const bucket = createTokenBucket(() => transferNow(step.limits()), clock);
  return { ...pool, store: withPause(withRateLimit(pool.store, bucket, step.signal), step) };
}
