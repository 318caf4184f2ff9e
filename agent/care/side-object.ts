import { subkeyOf } from '#agent/codec/keys.ts';
import type { ObjectLock } from '#agent/codec/sealed-object.ts';
import { openObject, sealObject } from '#agent/codec/sealed-object.ts';
import type { Pool } from '#agent/pools/open-pool.ts';

/** Small append-only objects beside sets and log: marks and truncation notes (docs/format.md §10). */
interface SideName {
  /** Text of the object key. */
  readonly object: string;
  readonly kind: 'mark' | 'truncation';
}

const lockOf = (pool: Pool, { object, kind }: SideName): ObjectLock => {
  const lock = { pool: pool.id, object, kind };
  return pool.key === undefined ? lock : { ...lock, key: subkeyOf(pool.key, '', 'holdfast mark 1') };
};

/** Not compressed: a few hundred bytes. */
export const sealSideObject = (pool: Pool, name: SideName, text: string): Uint8Array =>
  sealObject(Buffer.from(text), lockOf(pool, name), 0);

/** Throws `object_damaged`, `pool_format_newer`. */
export const openSideObject = (pool: Pool, name: SideName, stored: Uint8Array): string =>
  Buffer.from(openObject(stored, lockOf(pool, name))).toString('utf8');
