import { join } from 'node:path';
import type { ArchiveRetention, OrderOf } from '#core/agent/order.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import { logSegmentKey } from '#core/format/object-key.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import { deletable } from '#core/wal/deletable.ts';
import type { NeededLog } from './needed-log.ts';
import { earliestPosition } from '#core/wal/segment-name.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import type { ArchiveListing } from './archive-folder.ts';
import { SegmentBuffer, fileFacts, listArchive, removeFiles } from './archive-folder.ts';
import type { OpenBranch } from './batch-writer.ts';
import { readBranch } from './committed-log.ts';
import { openBranch } from './open-branches.ts';

export interface RetentionRequest {
  readonly systemId: string;
  readonly dataDirectory: string;
  /** The archive directory (K-082). */
  readonly directory: string;
  /** Every enabled pool of the resource: all of them must hold a file before it goes. */
  readonly pools: readonly PoolAccess[];
  readonly neededFrom: OrderOf<'log-backup'>['neededFrom'];
  readonly retention: ArchiveRetention;
}

export interface RetentionDeps {
  readonly clock: Clock;
  /** Asked directly before files are removed: a backup may have been recorded since the order was made. */
  readonly neededLog: NeededLog;
}

export interface RetentionReport {
  readonly deletedFiles: number;
  readonly warnings: readonly Warning[];
}

/**
 * Deletes archived files that are safe elsewhere (K-080), after log and full backups alike. A file goes only when every
 * pool has committed a segment of that name, still has its object, and the hash of the file equals the committed one;
 * never the newest, never one that a running backup needs. A pool that cannot be asked keeps everything.
 */
export async function applyArchiveRetention(
  deps: RetentionDeps,
  request: RetentionRequest,
  step: StepContext,
): Promise<RetentionReport> {
  const { retention, directory } = request;
  if (retention.mode === 'keep') return { deletedFiles: 0, warnings: [] };
  const archive = listArchive(directory);
  const youngestMs = retention.mode === 'keep-days' ? deps.clock.nowMs() - retention.days * 86_400_000 : Infinity;
  const isOld = (name: SegmentName): boolean => (fileFacts(join(directory, name))?.mtimeMs ?? Infinity) < youngestMs;
  const candidates = deletable(archive.segments, request.neededFrom).filter(isOld);
  if (candidates.length === 0) return { deletedFiles: 0, warnings: [] };
  try {
    return await deleteHeld(deps, request, { archive, candidates }, step);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.class === 'cancelled' || error.class === 'bug') throw error;
    return {
      deletedFiles: 0,
      warnings: [{ code: 'archive_kept', detail: `no archived file was deleted: ${error.message}` }],
    };
  }
}

interface Candidates {
  readonly archive: ArchiveListing;
  readonly candidates: readonly SegmentName[];
}

async function deleteHeld(
  deps: RetentionDeps,
  request: RetentionRequest,
  { archive, candidates }: Candidates,
  step: StepContext,
): Promise<RetentionReport> {
  let held: ReadonlyMap<SegmentName, string> | undefined;
  for (const access of request.pools) {
    const pool = await openPool(access);
    try {
      const here = await heldBy(pool, request, { archive, candidates });
      held = held === undefined ? here : both(held, here);
    } finally {
      await pool.close();
    }
  }
  const { same, different } = compareFiles(request.directory, held ?? new Map<SegmentName, string>(), step);
  // What the pools hold was committed before this question, so a backup recorded after it begins behind all of it.
  const needed = await deps.neededLog(step.runId);
  const free = needed === undefined ? [] : deletable(archive.segments, needed).filter((name) => same.includes(name));
  removeFiles(request.directory, free);
  const warnings = different.map((name): Warning => {
    const detail = `${join(request.directory, name)} is not what the pools hold under its name and was not deleted`;
    return { code: 'archive_file_differs', detail };
  });
  return { deletedFiles: free.length, warnings };
}

/** Hash by name of the candidates that a pool has committed and still has. */
async function heldBy(
  pool: Pool,
  request: RetentionRequest,
  { archive, candidates }: Candidates,
): Promise<ReadonlyMap<SegmentName, string>> {
  const held = new Map<SegmentName, string>();
  const { systemId, dataDirectory } = request;
  const from = Math.min(...candidates.map(earliestPosition));
  for (const timeline of new Set(candidates.map((name) => parseInt(name.slice(0, 8), 16)))) {
    const branch = await openBranch({ archive, dataDirectory, systemId, pool }, timeline);
    const known = await readBranch(pool, branch, from);
    for (const name of candidates.filter((each) => parseInt(each.slice(0, 8), 16) === timeline)) {
      const segment = known.segments.get(name);
      if (segment !== undefined && (await isThere(pool, branch, segment))) held.set(name, segment.rawSha256);
    }
  }
  return held;
}

async function isThere(pool: Pool, branch: OpenBranch, segment: SegmentOfBatch): Promise<boolean> {
  const info = await pool.store.head(logSegmentKey(branch.systemId, branch.branchId, segment.object));
  return info?.sizeBytes === segment.storedBytes;
}

const both = (
  a: ReadonlyMap<SegmentName, string>,
  b: ReadonlyMap<SegmentName, string>,
): ReadonlyMap<SegmentName, string> => new Map([...a].filter(([name, hash]) => b.get(name) === hash));

function compareFiles(
  directory: string,
  held: ReadonlyMap<SegmentName, string>,
  step: StepContext,
): { same: SegmentName[]; different: SegmentName[] } {
  const buffer = new SegmentBuffer();
  const same: SegmentName[] = [];
  const different: SegmentName[] = [];
  for (const [name, hash] of held) {
    step.signal.throwIfAborted();
    const bytes = buffer.read(join(directory, name));
    if (bytes === undefined) continue;
    (sha256Hex(bytes) === hash ? same : different).push(name);
  }
  return { same, different };
}
