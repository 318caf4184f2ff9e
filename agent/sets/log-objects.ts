import type { ReferencesOfLog } from '#core/changed/block-references.ts';
import { formatReferenceLines, parseReferenceLines } from '#core/changed/reference-lines.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { parseJson } from '#core/format/fields.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { logBatchKey, logReferencesKey } from '#core/format/object-key.ts';
import type { BatchSummary, ReferencesOfBatch } from '#core/log/batch-summary.ts';
import { batchSummaryShape } from '#core/settings/shape/committed.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { sha256Hex } from '../codec/hash.ts';
import type { LockedObject } from '../codec/pool-lock.ts';
import { openUnderAny } from '../codec/pool-lock.ts';
import { openObject, sealObject } from '../codec/sealed-object.ts';
import { fastLevel } from '../codec/zstd.ts';
import type { Pool } from '../pools/open-pool.ts';
import type { LogName, LogSealer, SealedLog } from './seal-log.ts';
import { keyOfLog, lockedLog, lockOfLog, sealLogSegment } from './seal-log.ts';

const opened = (pool: LogSealer, stored: Uint8Array, what: LockedObject): Uint8Array =>
  openUnderAny(pool, what, (lock) => openObject(stored, lock));

/** Raw bytes of a segment object; `object` is the text of its key. Throws `object_damaged`, `pool_format_newer`. */
export const openLogSegment = (pool: LogSealer, object: string, stored: Uint8Array): Uint8Array =>
  opened(pool, stored, lockedLog(object, 'log-segment'));

/** What became of a segment that was put: `outcome` `different` means that the pool keeps other bytes under that name. */
export interface PutLog {
  readonly outcome: 'created' | 'identical' | 'different';
  readonly key: ObjectKey;
  readonly rawSha256: string;
  /** Of the object that now lies in the pool, as is `rawSha256`, which is empty when that object is damaged. */
  readonly storedSha256: string;
  readonly storedBytes: number;
}

/** Seals a segment. What it answers is put before it is asked again for the same bytes. */
export type SealLog = (log: LogName, raw: Uint8Array) => Promise<SealedLog>;

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
  const seal: SealLog = (name, bytes) => Promise.resolve(sealLogSegment(pool, name, bytes, level));
  return putLogSealedBy(pool, log, raw, seal);
}

/** The same, sealed by `seal`. */
export async function putLogSealedBy(pool: Pool, log: LogName, raw: Uint8Array, seal: SealLog): Promise<PutLog> {
  const key = keyOfLog(log);
  if ((await pool.store.head(key)) !== undefined) return compared(pool, key, raw);
  const { stored, rawSha256, storedSha256 } = await seal(log, raw);
  if ((await pool.store.putIfAbsent(key, stored)) === 'exists') return compared(pool, key, raw);
  return { outcome: 'created', key, rawSha256, storedSha256, storedBytes: stored.length };
}

/** An object that no batch names may be the torn one of a machine that lost power: it counts as different. */
async function compared(pool: Pool, key: ObjectKey, raw: Uint8Array): Promise<PutLog> {
  // Why: the process that put it may have died before its own barrier, or because of it.
  await pool.store.secure(key);
  const there = await pool.store.get(key);
  const rawSha256 = rawHashOf(pool, key, there);
  const outcome = rawSha256 === sha256Hex(raw) ? 'identical' : 'different';
  // What an earlier run left is protected as if it were put now: the batch that is about to name it is, too.
  if (outcome === 'identical') await pool.store.renewProtection?.([key], 'own');
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
  const stored = sealObject(raw, lockOfLog(pool, key, 'references'), fastLevel);
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
  const text = Buffer.from(opened(pool, stored, lockedLog(object, 'references'))).toString('utf8');
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
  const stored = sealObject(raw, lockOfLog(pool, key, 'batch'), fastLevel);
  return { key, stored, rawSha256: sha256Hex(raw), storedSha256: sha256Hex(stored) };
}

/** Opens a batch object; `object` is the text of its key. Throws `object_damaged`, `pool_format_newer`. */
export function openBatch(pool: LogSealer, object: string, stored: Uint8Array): BatchSummary {
  const raw = Buffer.from(opened(pool, stored, lockedLog(object, 'batch'))).toString('utf8');
  const parsed = batchSummaryShape.safeParse(parseJson(raw, object));
  if (!parsed.success)
    throw fail('object_damaged', { pool: pool.id, object, what: 'its batch cannot be read' }, parsed.error);
  return parsed.data;
}
