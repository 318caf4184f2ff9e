import type { LogToDelete, TruncationNote } from '#core/care/care-task.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { logBatchKey, logReferencesKey, logSegmentKey } from '#core/format/object-key.ts';
import type { BatchId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { ObjectInfo } from '#core/ports/object-store.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { compareLsn, lsnToNumber } from '#core/wal/lsn.ts';
import { isWholeSegment } from '#core/log/whole-segment.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import { openBatch } from '#agent/sets/log-objects.ts';
import type { CareWork } from './care-work.ts';
import { removeCommitPoint, removeObjects } from './remove-objects.ts';
import { putTruncation } from './truncation.ts';

/**
 * Deletes log of one branch: claims it (no log backup and no reader works on it meanwhile), notes in the pool which part of
 * the chain of batches goes, removes the batches, so that it is no committed log any more, then their segments.
 */
export async function deleteLog(work: CareWork, log: LogToDelete): Promise<void> {
  const { systemId, branchId, batches } = log;
  const what = `log of ${systemId} on branch ${branchId}`;
  const to = batches.map((batch) => batch.to).reduce<Lsn | undefined>(later, undefined);
  const claim = await work.claim({ kind: 'log', systemId, branchId, ...(to === undefined ? {} : { to }) });
  if (claim.verdict === 'refused') {
    work.keep(what, claim.why);
    return;
  }
  if (claim.verdict === 'done') return void (work.batches += batches.length);
  const told = { kind: 'log', systemId, branchId, batches: batches.map(({ batchId }) => batchId) } as const;
  await note(work, log);
  for (const { batchId, from } of batches) {
    work.step.signal.throwIfAborted();
    work.add(await removeCommitPoint(work.pool, logBatchKey(systemId, branchId, lsnHex(from), batchId)));
  }
  await work.tell({ ...told, step: 'removed' });
  work.add(await removeObjects(work.pool, await present(work, log), work.step));
  await work.tell({ ...told, step: 'done' });
  work.batches += batches.length;
}

const later = (a: Lsn | undefined, b: Lsn): Lsn => (a === undefined || compareLsn(a, b) < 0 ? b : a);
const lsnHex = (lsn: Lsn): string => lsnToNumber(lsn).toString(16).toUpperCase().padStart(16, '0');

/** Segments and block references that are there, with their sizes. */
async function present(
  { pool }: CareWork,
  { systemId, branchId, batches, objects }: LogToDelete,
): Promise<readonly ObjectInfo[]> {
  const keys = [
    ...objects.map((object) => logSegmentKey(systemId, branchId, object)),
    ...batches.map(({ from, batchId }) => logReferencesKey(systemId, branchId, lsnHex(from), batchId)),
  ];
  const found: ObjectInfo[] = [];
  for (const key of keys) {
    const info = await pool.store.head(key);
    if (info !== undefined) found.push(info);
  }
  return found;
}

interface Link {
  readonly batchId: BatchId;
  readonly sha256: string;
  readonly previousSha256: string;
  readonly segments: readonly SegmentOfBatch[];
}

/** A batch that is gone already was noted by the attempt before; one that is damaged broke the chain before we came. */
async function note(work: CareWork, { systemId, branchId, batches }: LogToDelete): Promise<void> {
  const links: Link[] = [];
  for (const { batchId, from } of batches) {
    const link = await linkOf(work, logBatchKey(systemId, branchId, lsnHex(from), batchId), batchId);
    if (link !== undefined) links.push(link);
  }
  if (links.length === 0) return;
  const { deps, order, pool } = work;
  await putTruncation(pool, {
    ...{ noteId: deps.newId('mark'), systemId, branchId, runId: order.runId },
    at: instantFromMs(deps.clock.nowMs()),
    links: joined(links),
    ranges: merged(batches),
    segments: links
      .flatMap(({ segments }) => segments.filter(isWholeSegment))
      .map(({ name, rawSha256 }) => ({ name, rawSha256 })),
  });
}

async function linkOf({ pool }: CareWork, key: ObjectKey, batchId: BatchId): Promise<Link | undefined> {
  try {
    const stored = await pool.store.get(key);
    const { previousSha256, segments } = openBatch(pool, key, stored);
    return { batchId, sha256: sha256Hex(stored), previousSha256, segments };
  } catch (error) {
    if (error instanceof HoldfastError && error.class === 'corrupt') return undefined;
    throw error;
  }
}

/** In the order of the chain, which is that of the ids; neighbours become one link. */
function joined(links: readonly Link[]): TruncationNote['links'] {
  const runs: { previousSha256: string; sha256: string; count: number }[] = [];
  for (const { previousSha256, sha256 } of [...links].sort((a, b) => (a.batchId < b.batchId ? -1 : 1))) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last.sha256 === previousSha256)
      runs[runs.length - 1] = { ...last, sha256, count: last.count + 1 };
    else runs.push({ previousSha256, sha256, count: 1 });
  }
  return runs;
}

function merged(batches: LogToDelete['batches']): TruncationNote['ranges'] {
  const ranges: { from: Lsn; to: Lsn }[] = [];
  for (const { from, to } of [...batches].sort((a, b) => compareLsn(a.from, b.from))) {
    const last = ranges[ranges.length - 1];
    if (last === undefined || compareLsn(last.to, from) < 0) ranges.push({ from, to });
    else if (compareLsn(last.to, to) < 0) ranges[ranges.length - 1] = { from: last.from, to };
  }
  return ranges.filter(({ from, to }) => from !== to);
}
