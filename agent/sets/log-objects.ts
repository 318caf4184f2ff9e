import type { ReferencesOfLog } from '#core/changed/block-references.ts';
import { formatReferenceLines, parseReferenceLines } from '#core/changed/reference-lines.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { parseJson } from '#core/format/fields.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { logBatchKey, logReferencesKey, logSegmentKey } from '#core/format/object-key.ts';
import type { BatchSummary, ReferencesOfBatch } from '#core/log/batch-summary.ts';
import { batchSummaryShape } from '#core/settings/shape/committed.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { sha256Hex } from '../codec/hash.ts';
import type { LockedObject, PoolLock } from '../codec/pool-lock.ts';
import { openUnderAny, sealingLock } from '../codec/pool-lock.ts';
import type { ObjectKind, ObjectLock } from '../codec/sealed-object.ts';
import { openObject, sealObject } from '../codec/sealed-object.ts';
import { fastLevel } from '../codec/zstd.ts';
import type { Pool } from '../pools/open-pool.ts';

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

const locked = (object: string, kind: ObjectKind): LockedObject => ({ object, kind, info: 'holdfast log 1' });
const lockOf = (pool: LogSealer, object: string, kind: ObjectKind): ObjectLock =>
  sealingLock(pool, locked(object, kind));
const opened = (pool: LogSealer, stored: Uint8Array, what: LockedObject): Uint8Array =>
  openUnderAny(pool, what, (lock) => openObject(stored, lock));

/** Key of the object of a segment. */
export const keyOfLog = ({ systemId, branchId, name }: LogName): ObjectKey => logSegmentKey(systemId, branchId, name);

/** Seals one whole log segment; `level` is zstd 1–22 or 0. In an encrypted pool the same bytes seal differently each time. */
export function sealLogSegment(pool: LogSealer, log: LogName, raw: Uint8Array, level: number = fastLevel): SealedLog {
  const key = keyOfLog(log);
  const stored = sealObject(raw, lockOf(pool, key, 'log-segment'), level);
  return { key, stored, rawSha256: sha256Hex(raw), storedSha256: sha256Hex(stored) };
}

/** Raw bytes of a segment object; `object` is the text of its key. Throws `object_damaged`, `pool_format_newer`. */
export const openLogSegment = (pool: LogSealer, object: string, stored: Uint8Array): Uint8Array =>
  opened(pool, stored, locked(object, 'log-segment'));

/** What became of a segment that was put: `outcome` `different` means that the pool keeps other bytes under that name. */
export interface PutLog {
  readonly outcome: 'created' | 'identical' | 'different';
  readonly key: ObjectKey;
  readonly rawSha256: string;
  /** Of the object that now lies in the pool, as is `rawSha256`, which is empty when that object is damaged. */
  readonly storedSha256: string;
  readonly storedBytes: number;
}

/** Seals a segment. The raw bytes come back with the object, maybe in another buffer: a thread may have had them. */
export type SealLog = (
  log: LogName,
  raw: Uint8Array,
) => Promise<{ readonly sealed: SealedLog; readonly raw: Uint8Array }>;

/**
 * Puts a segment unless it is there, and says whether what is there holds the same raw bytes. What a killed run left is
 * compared, not sent again (K-005). Durable after `store.barrier`.
 */
export async function putLogSegment(
  pool: Pool,
  log: LogName,
  raw: Uint8Array,
  level: number = fastLevel,
): Promise<PutLog> {
  const seal: SealLog = (name, bytes) =>
    Promise.resolve({ sealed: sealLogSegment(pool, name, bytes, level), raw: bytes });
  return (await putLogSealedBy(pool, log, raw, seal)).put;
}

/** The same, sealed by `seal`; `raw` are the bytes that it gave back. */
export async function putLogSealedBy(
  pool: Pool,
  log: LogName,
  given: Uint8Array,
  seal: SealLog,
): Promise<{ readonly put: PutLog; readonly raw: Uint8Array }> {
  const key = keyOfLog(log);
  if ((await pool.store.head(key)) !== undefined) return { put: await compared(pool, key, given), raw: given };
  const { sealed, raw } = await seal(log, given);
  const { stored, rawSha256, storedSha256 } = sealed;
  if ((await pool.store.putIfAbsent(key, stored)) === 'exists') return { put: await compared(pool, key, raw), raw };
  return { put: { outcome: 'created', key, rawSha256, storedSha256, storedBytes: stored.length }, raw };
}

/** An object that no batch names may be the torn one of a machine that lost power: it counts as different. */
async function compared(pool: Pool, key: ObjectKey, raw: Uint8Array): Promise<PutLog> {
  // Why: the process that put it may have died before its own barrier, or because of it.
  await pool.store.secure(key);
  const there = await pool.store.get(key);
  const rawSha256 = rawHashOf(pool, key, there);
  const outcome = rawSha256 === sha256Hex(raw) ? 'identical' : 'different';
  return { outcome, key, rawSha256, storedSha256: sha256Hex(there), storedBytes: there.length };
}

/** '' for an object that is damaged. */
function rawHashOf(pool: Pool, key: ObjectKey, stored: Uint8Array): string {
  try {
    return sha256Hex(openLogSegment(pool, key, stored));
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'object_damaged') return '';
    throw error;
  }
}

/** Fetches a segment and checks it against its batch. Throws `object_missing`, `object_damaged`. */
export async function getLogSegment(pool: Pool, object: ObjectKey, rawSha256: string): Promise<Uint8Array> {
  const raw = openLogSegment(pool, object, await pool.store.get(object));
  if (sha256Hex(raw) !== rawSha256)
    throw fail('object_damaged', { pool: pool.name, object, what: 'its log is not that of its batch' });
  return raw;
}

const lsnHex = (lsn: Lsn): string => lsnToNumber(lsn).toString(16).toUpperCase().padStart(16, '0');

/** The batch that block references belong to. */
export type BatchName = Pick<BatchSummary, 'systemId' | 'branchId' | 'batchId' | 'from'>;

/** Seals the block references of a batch (docs/format.md §6). */
export function sealReferences(pool: LogSealer, batch: BatchName, known: ReferencesOfLog): SealedLog {
  const key = logReferencesKey(batch.systemId, batch.branchId, lsnHex(batch.from), batch.batchId);
  const raw = Buffer.from([...formatReferenceLines(known), ''].join('\n'));
  const stored = sealObject(raw, lockOf(pool, key, 'references'), fastLevel);
  return { key, stored, rawSha256: sha256Hex(raw), storedSha256: sha256Hex(stored) };
}

/** Fetches the block references that a batch names. Throws `object_missing`, `object_damaged`, `pool_format_newer`. */
export async function getReferences(
  pool: Pool,
  batch: Pick<BatchSummary, 'systemId' | 'branchId'>,
  named: ReferencesOfBatch,
): Promise<ReferencesOfLog> {
  const object = keyOfLog({ ...batch, name: named.object });
  const damaged = (what: string, cause?: unknown): HoldfastError =>
    fail('object_damaged', { pool: pool.name, object, what }, cause);
  const stored = await pool.store.get(object);
  if (sha256Hex(stored) !== named.storedSha256) throw damaged('it is not the object that its batch names');
  const text = Buffer.from(opened(pool, stored, locked(object, 'references'))).toString('utf8');
  try {
    return parseReferenceLines(text.split('\n').slice(0, -1), object);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'value_malformed')
      throw damaged('its block references cannot be read', error);
    throw error;
  }
}

/** Key of the object of a batch. */
export const keyOfBatch = ({ systemId, branchId, batchId, from }: BatchName): ObjectKey =>
  logBatchKey(systemId, branchId, lsnHex(from), batchId);

/** Seals a batch, the commit point of a log run. Its `storedSha256` is what the next batch of the branch names. */
export function sealBatch(pool: LogSealer, batch: BatchSummary): SealedLog {
  const key = keyOfBatch(batch);
  const raw = Buffer.from(JSON.stringify(batch));
  const stored = sealObject(raw, lockOf(pool, key, 'batch'), fastLevel);
  return { key, stored, rawSha256: sha256Hex(raw), storedSha256: sha256Hex(stored) };
}

/** Opens a batch object; `object` is the text of its key. Throws `object_damaged`, `pool_format_newer`. */
export function openBatch(pool: LogSealer, object: string, stored: Uint8Array): BatchSummary {
  const raw = Buffer.from(opened(pool, stored, locked(object, 'batch'))).toString('utf8');
  const parsed = batchSummaryShape.safeParse(parseJson(raw, object));
  if (!parsed.success)
    throw fail('object_damaged', { pool: pool.id, object, what: 'its batch cannot be read' }, parsed.error);
  return parsed.data;
}
