import { resolve } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { PoolGround } from './pool-ground.ts';
import { openLocalStore } from './local.ts';
import { openS3Store } from './s3.ts';
import type { Patience } from './retry.ts';
import { retriesWith, withRetries } from './retry.ts';

/** The bare place of a pool, before anybody looked whether a pool is there. */
export function openGround(access: PoolAccess): ObjectStore & PoolGround {
  const { place, secrets, name } = access;
  if (place.kind === 'local') return openLocalStore({ directory: resolve(place.directory), pool: name });
  if (secrets.s3 === undefined)
    throw fail('pool_refused', { pool: name, why: 'no access key and secret key are registered for it' });
  return openS3Store({ place, secrets: secrets.s3, pool: name });
}

/** Objects of a pool that `openPool` proved before: for worker threads, which get their keys from the main thread. */
export const openStore = (access: PoolAccess, patience?: Patience): ObjectStore =>
  withRetries(openGround(access), retriesWith(patience));

/** Where a pool lies, in words for errors. */
export const placeInWords = ({ place }: PoolAccess): string =>
  place.kind === 'local'
    ? place.directory
    : `${place.isTls ? 'https' : 'http'}://${place.endpoint}:${String(place.port)}/${place.bucket}/${place.prefix}`;
