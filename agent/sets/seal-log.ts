import type { ObjectKey } from '#core/format/object-key.ts';
import { logSegmentKey } from '#core/format/object-key.ts';
import { sha256Hex } from '../codec/hash.ts';
import type { LockedObject, PoolLock } from '../codec/pool-lock.ts';
import { sealingLock } from '../codec/pool-lock.ts';
import type { ObjectKind, ObjectLock } from '../codec/sealed-object.ts';
import { sealObject } from '../codec/sealed-object.ts';
import { sealedObjectBound, sealObjectInto } from '../codec/seal-object-into.ts';
import { fastLevel } from '../codec/zstd.ts';

/** The part of a pool that seals and opens log: structured-cloneable, for worker threads. */
export type LogSealer = PoolLock;

/** A segment or history file of a recovery branch; `name` is its object name below the branch. */
export interface LogName {
  readonly systemId: string;
  readonly branchId: string;
  readonly name: string;
}

/** An object ready to be put. */
export interface SealedLog {
  readonly key: ObjectKey;
  readonly stored: Uint8Array;
  readonly rawSha256: string;
  readonly storedSha256: string;
}

/** An object of log and what its key is derived for (docs/format.md §4). */
export const lockedLog = (object: string, kind: ObjectKind): LockedObject => ({
  ...{ object, kind, info: 'holdfast log 1' },
});
export const lockOfLog = (pool: LogSealer, object: string, kind: ObjectKind): ObjectLock =>
  sealingLock(pool, lockedLog(object, kind));

/** Key of the object of a segment. */
export const keyOfLog = ({ systemId, branchId, name }: LogName): ObjectKey => logSegmentKey(systemId, branchId, name);

/** Seals one whole log segment; `level` is zstd 1–22 or 0. In an encrypted pool the same bytes seal differently each time. */
export function sealLogSegment(pool: LogSealer, log: LogName, raw: Uint8Array, level: number = fastLevel): SealedLog {
  const key = keyOfLog(log);
  const stored = sealObject(raw, lockOfLog(pool, key, 'log-segment'), level);
  return { key, stored, rawSha256: sha256Hex(raw), storedSha256: sha256Hex(stored) };
}

/** Room that sealing a segment of so many bytes can need. */
export const sealedLogBound = sealedObjectBound;

/** The same into `target` (at least `sealedLogBound` bytes); `stored` is a view of it. */
export function sealLogSegmentInto(
  target: Uint8Array,
  raw: Uint8Array,
  { pool, log, level }: { readonly pool: LogSealer; readonly log: LogName; readonly level: number },
): SealedLog {
  const key = keyOfLog(log);
  const { bytes, sha256 } = sealObjectInto(target, raw, { lock: lockOfLog(pool, key, 'log-segment'), level });
  return { key, stored: target.subarray(0, bytes), rawSha256: sha256Hex(raw), storedSha256: sha256 };
}
