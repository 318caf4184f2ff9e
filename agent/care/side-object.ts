import type { LockedObject } from '#agent/codec/pool-lock.ts';
import { openUnderAny, sealingLock } from '#agent/codec/pool-lock.ts';
import { openObject, sealObject } from '#agent/codec/sealed-object.ts';
import type { Pool } from '#agent/pools/open-pool.ts';

/** Small append-only objects beside sets and log: marks and truncation notes (docs/format.md §10). */
interface SideName {
  /** Text of the object key. */
  readonly object: string;
  readonly kind: 'mark' | 'truncation';
}

const locked = (name: SideName): LockedObject => ({ ...name, info: 'holdfast mark 1' });

/** Not compressed: a few hundred bytes. */
export const sealSideObject = (pool: Pool, name: SideName, text: string): Uint8Array =>
  sealObject(Buffer.from(text), sealingLock(pool, locked(name)), 0);

/** Throws `object_damaged`, `pool_format_newer`. */
export const openSideObject = (pool: Pool, name: SideName, stored: Uint8Array): string =>
  Buffer.from(openUnderAny(pool, locked(name), (lock) => openObject(stored, lock))).toString('utf8');
