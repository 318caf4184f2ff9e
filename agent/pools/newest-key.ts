import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { keyFileKey, keyFilesPrefix } from '#core/format/object-key.ts';
import type { Pool } from './open-pool.ts';

type KeyedPool = Pick<Pool, 'name' | 'store' | 'key' | 'olderKeys'>;

/**
 * Demands that the newest key of an encrypted pool is still the one that it was opened with. Whoever reads or writes for long
 * asks: what others wrote after a rotation looks damaged under the keys of before. Lists the keys, derives nothing. Throws
 * `passphrase_old`, with which a step begins again with the new passphrase, and what the pool throws.
 */
export async function demandNewestKey({ name, store, key, olderKeys = [] }: KeyedPool): Promise<void> {
  if (key === undefined) return;
  // Why so: the first key is that of `holdfast.json` and has no object of its own.
  const known = keyFileKey(1 + olderKeys.length);
  for await (const found of store.list(keyFilesPrefix()))
    if (found.key > known) throw fail('passphrase_old', { pool: name });
}

/** Opens an object; one that is called damaged although a newer key may open it is told of as `passphrase_old`. */
export async function openedUnderNewest<T>(pool: KeyedPool, open: () => T): Promise<T> {
  try {
    return open();
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'object_damaged') await demandNewestKey(pool);
    throw error;
  }
}
