import { resolve } from 'node:path';
import { openLocalStore } from '#agent/pools/local.ts';
import type { Patience } from '#agent/pools/retry.ts';
import { retriesWith, withRetries } from '#agent/pools/retry.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';

/**
 * The store of a proven pool inside a worker thread. Only S3 pools load the S3 client: it takes longer to load than a
 * thread needs to copy 100 MB. With `patience` a pool that goes away is waited for (K-084).
 */
export async function openThreadStore(pool: PoolAccess, patience?: Patience): Promise<ObjectStore> {
  const { place, name } = pool;
  if (place.kind === 'local')
    return withRetries(openLocalStore({ directory: resolve(place.directory), pool: name }), retriesWith(patience));
  const { openStore } = await import('#agent/pools/open-store.ts');
  return openStore(pool, patience);
}
