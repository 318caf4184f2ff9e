import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { branchPrefix } from '#core/format/object-key.ts';
import type { BatchSummary, SegmentOfBatch } from '#core/log/batch-summary.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import { isWholeSegment } from '#core/log/whole-segment.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { earliestPosition, segmentStart } from '#core/wal/segment-name.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import { explains, readTruncations } from '#agent/care/truncation.ts';
import { openedUnderNewest } from '#agent/pools/newest-key.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openBatch } from '#agent/sets/log-objects.ts';

/** A branch of one cluster in a pool. */
export interface BranchPlace {
  readonly systemId: string;
  readonly branchId: string;
}

/** What a pool has committed of one recovery branch, as far as it matters for the log at hand. */
export interface CommittedBranch {
  readonly branchId: string;
  /** By file name; a saved tail gives way to the whole segment. */
  readonly segments: ReadonlyMap<SegmentName, SegmentOfBatch>;
  /** The batches that were read, in order of LSN. */
  readonly batches: readonly BatchSummary[];
  /** Committed last, whatever its place in the log: the next batch names its hash. */
  readonly newest?: ReadBatch;
  /** Batches that cannot be read: what they list counts as not committed and is committed again from the archive. */
  readonly unreadable: readonly HoldfastError[];
  /** Ids of these batches, as their keys say. */
  readonly unreadableIds: readonly string[];
}

/** A batch, its object, and the hash that the next batch names. */
interface ReadBatch {
  readonly key: ObjectKey;
  readonly batch: BatchSummary;
  readonly sha256: string;
}

interface BatchKey {
  readonly key: ObjectKey;
  readonly branchId: string;
  readonly from: number;
  readonly batchId: string;
}

const shape = /^logs\/\d+\/([0-9a-f]{32})\/batches\/([0-9A-F]{16})-(batch_[0-9a-f]{32})$/;

/** Batches below a prefix, in order of LSN within a branch. */
async function listBatches(pool: Pool, prefix: string): Promise<readonly BatchKey[]> {
  const found: BatchKey[] = [];
  for await (const { key } of pool.store.list(prefix)) {
    const m = shape.exec(key);
    if (m !== null) found.push({ key, branchId: m[1] ?? '', from: parseInt(m[2] ?? '', 16), batchId: m[3] ?? '' });
  }
  return found.sort((a, b) => a.from - b.from);
}

/**
 * Every committed batch of a pool that can be read, in order of time: what `catalog rebuild` brings back. `tell` hears of
 * each damaged batch (`object_damaged`) and of each that does not name the hash of the one before it on its branch
 * (`batch_chain_broken`: a batch was removed or replaced), unless a note in the pool says that a plan deleted what was
 * between them.
 */
export async function* readBatches(pool: Pool, tell: (problem: HoldfastError) => void): AsyncIterable<BatchSummary> {
  const keys = [...(await listBatches(pool, 'logs/'))].sort((a, b) => (a.batchId < b.batchId ? -1 : 1));
  const newest = new Map<string, string>();
  for (const key of keys) {
    const read = await readBatch(pool, key).catch((error: unknown) => {
      tell(demandCorrupt(error));
    });
    if (read === undefined) continue;
    const { systemId, branchId, batchId, previousSha256 } = read.batch;
    const branch = `${systemId}/${branchId}`;
    const before = newest.get(branch) ?? '';
    if (
      previousSha256 !== before &&
      !(await wasDeleted(pool, { systemId, branchId }, { previousSha256, before }, tell))
    ) {
      tell(
        fail('batch_chain_broken', {
          branch,
          pool: pool.name,
          what: `${batchId} does not continue the batch before it`,
        }),
      );
    }
    newest.set(branch, read.sha256);
    yield read.batch;
  }
}

interface ChainStep {
  readonly previousSha256: string;
  /** Hash of the batch that is there before it, '' for none. */
  readonly before: string;
}

async function wasDeleted(
  pool: Pool,
  branch: BranchPlace,
  { previousSha256, before }: ChainStep,
  tell: (problem: HoldfastError) => void,
): Promise<boolean> {
  return explains(await readTruncations(pool, branch, tell), previousSha256, (sha256) => sha256 === before);
}

/**
 * Reads the batches of one branch that reach to the position `from` or behind it, and the newest that can be read. Older
 * ones stay unread: an archive holds the end of a log, a pool all of it. A lost batch never stops the log behind it.
 */
export async function readBranch(
  pool: Pool,
  { systemId, branchId }: BranchPlace,
  from: number,
): Promise<CommittedBranch> {
  const keys = await listBatches(pool, `${branchPrefix(systemId, branchId)}batches/`);
  // Ids are made in order of time (UUIDv7), and the writer sees to it that each is greater than the one before.
  const newestKey = keys.reduce<BatchKey | undefined>(
    (best, key) => (best === undefined || key.batchId > best.batchId ? key : best),
    undefined,
  );
  const first = Math.max(
    0,
    keys.findLastIndex((key) => key.from <= from),
  );
  const wanted = keys.filter((key, i) => i >= first || key === newestKey);
  const segments = new Map<SegmentName, SegmentOfBatch>();
  const unreadable: HoldfastError[] = [];
  const unreadableIds: string[] = [];
  const batches: BatchSummary[] = [];
  let newest: CommittedBranch['newest'];
  for (const key of wanted) {
    const read = await readBatch(pool, key).catch((error: unknown) => void unreadable.push(demandCorrupt(error)));
    if (read === undefined) unreadableIds.push(key.batchId);
    for (const segment of read?.batch.segments ?? []) keepLonger(segments, segment);
    if (read !== undefined) batches.push(read.batch);
    if (read !== undefined && read.batch.batchId > (newest?.batch.batchId ?? '')) newest = read;
  }
  return { branchId, segments, batches, unreadable, unreadableIds, ...(newest === undefined ? {} : { newest }) };
}

/**
 * Sees to it that what was read of a branch is there to stay. Every batch is made durable before the next one is written,
 * so only the newest may be one whose run failed or died in its last barrier.
 */
export async function secureBranch(pool: Pool, { newest }: CommittedBranch): Promise<void> {
  if (newest !== undefined) await pool.store.secure(newest.key);
}

/** Damage and loss, which a caller can live with; everything else is thrown on. */
export function demandCorrupt(error: unknown): HoldfastError {
  if (error instanceof HoldfastError && error.class === 'corrupt') return error;
  throw error;
}

async function readBatch(pool: Pool, key: BatchKey): Promise<ReadBatch> {
  const stored = await pool.store.get(key.key);
  const batch = await openedUnderNewest(pool, () => openBatch(pool, key.key, stored));
  if (batch.branchId !== key.branchId || batch.batchId !== key.batchId) {
    throw fail('batch_chain_broken', {
      branch: key.branchId,
      pool: pool.name,
      what: `the object ${key.key} holds the batch ${batch.batchId}`,
    });
  }
  return { key: key.key, batch, sha256: sha256Hex(stored) };
}

function keepLonger(segments: Map<SegmentName, SegmentOfBatch>, segment: SegmentOfBatch): void {
  const known = segments.get(segment.name);
  if (known === undefined || compareLsn(known.to, segment.to) < 0) segments.set(segment.name, segment);
}

/** History text of a timeline as the pool knows it; of several branches with one number the one committed to last. */
export async function committedHistory(pool: Pool, systemId: string, timeline: number): Promise<string | undefined> {
  let found: BatchSummary | undefined;
  for (const key of await listBatches(pool, `logs/${systemId}/`)) {
    const batch = await readBatch(pool, key).then(
      (read) => read.batch,
      (error: unknown) => void demandCorrupt(error),
    );
    if (batch?.timeline === timeline && (found === undefined || batch.batchId > found.batchId)) found = batch;
  }
  return found?.history;
}

/**
 * The whole committed segment that ends where a file begins; undefined when none is known. What comes must be seen to continue it: that it begins
 * there says nothing of a server that was put back to an earlier state. `known` must reach back to it (`positionBefore`).
 */
export function segmentBefore({ segments, newest }: CommittedBranch, name: SegmentName): SegmentOfBatch | undefined {
  if (newest === undefined) return undefined;
  const begin = segmentStart(name, newest.batch.segmentBytes);
  return [...segments.values()].find((segment) => segment.to === begin && isWholeSegment(segment));
}

/** A position in the segment before a file, or earlier: no segment is smaller than 1 MiB. */
export const positionBefore = (name: SegmentName): number => Math.max(0, earliestPosition(name) - 1_048_576);
