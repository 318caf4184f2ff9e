import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { PoolId } from '#core/id.ts';
import { subkeyOf } from './keys.ts';
import type { ObjectKind, ObjectLock } from './sealed-object.ts';

/** The part of a pool that seals and opens its objects: structured-cloneable, so worker threads get it. */
export interface PoolLock {
  readonly id: PoolId;
  /** The newest key; absent in plain pools. */
  readonly key?: Uint8Array;
  /** Keys of before rotations, the newest first: what they sealed is still read. */
  readonly olderKeys?: readonly Uint8Array[];
}

/** An object whose base key is derived from a key of the pool. */
export interface LockedObject {
  /** Text of its key. */
  readonly object: string;
  readonly kind: ObjectKind;
  /** What the base key is derived for (docs/format.md §4). */
  readonly info: string;
}

const lockUnder = (pool: PoolLock, key: Uint8Array, { object, kind, info }: LockedObject): ObjectLock => ({
  ...{ pool: pool.id, object, kind, key: subkeyOf(key, '', info) },
});

/** What seals an object: the newest key. */
export const sealingLock = (pool: PoolLock, what: LockedObject): ObjectLock =>
  pool.key === undefined ? { pool: pool.id, object: what.object, kind: what.kind } : lockUnder(pool, pool.key, what);

/**
 * Opens an object under the newest key of the pool, else under that of an earlier version: nothing in it says which sealed
 * it. Throws what `open` throws with the newest key.
 */
export function openUnderAny<T>(pool: PoolLock, what: LockedObject, open: (lock: ObjectLock) => T): T {
  try {
    return open(sealingLock(pool, what));
  } catch (error) {
    for (const key of isMaybeOlder(error) ? (pool.olderKeys ?? []) : []) {
      const opened = attempt(() => open(lockUnder(pool, key, what)));
      if (opened !== undefined) return opened.value;
    }
    throw error;
  }
}

const isMaybeOlder = (error: unknown): boolean => error instanceof HoldfastError && error.code === 'object_damaged';

function attempt<T>(open: () => T): { readonly value: T } | undefined {
  try {
    return { value: open() };
  } catch (error) {
    if (isMaybeOlder(error)) return undefined;
    throw error;
  }
}
