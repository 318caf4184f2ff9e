import { resolve } from 'node:path';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import { openLocalStore } from '#agent/pools/local.ts';

/**
 * Objects of a pool for one restore thread. The S3 client is loaded only where it is used: it costs a thread longer to
 * start than a small restore takes.
 */
export async function openReader(access: PoolAccess): Promise<Pick<ObjectStore, 'get'>> {
  const { place, name } = access;
  if (place.kind === 'local') return openLocalStore({ directory: resolve(place.directory), pool: name });
  const { openStore } = await import('#agent/pools/open-store.ts');
  return openStore(access);
}
