import { join } from 'node:path';
import type { ArchiveRetention, OrderOf } from '#core/agent/order.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import { createTokenBucket } from '#core/pool/token-bucket.ts';
import { transferNow } from '#core/run/rate.ts';
import { deletable, deletableNotes } from '#core/wal/deletable.ts';
import type { NeededLog } from '#agent/wal/needed-log.ts';
import { earliestPosition } from '#core/wal/segment-name.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import type { Patience } from '#agent/pools/retry.ts';
import { retriesWith, retrying } from '#agent/pools/retry.ts';
import { withRateLimit } from '#agent/pools/rate-limit.ts';
import { demandGoing } from '#agent/pools/while-paused.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import type { ArchiveListing } from './archive-folder.ts';
import { SegmentBuffer, fileFacts, listArchive } from './archive-folder.ts';
import { removeArchived } from './remove-archived.ts';
import type { OpenBranch } from '#agent/wal/batch-writer.ts';
import { demandCorrupt, readBranch, secureBranch } from '#agent/wal/committed-log.ts';
import { openBranch } from '#agent/wal/open-branches.ts';
import { deletedOf } from '#agent/wal/truncated-log.ts';

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
 * pool has committed a segment of that name, its object was read whole and found right, and the hash of the file equals
 * the committed one, or that of a segment that a plan has deleted from the pool since; never the newest, never one that a running backup
 * needs. A pool that cannot be asked keeps everything. Notes of backups go behind the segments that they begin in (core/wal/deletable.ts).
 * While the step is paused nothing goes. Throws `cancelled`.
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
  const isOld = (name: string): boolean => (fileFacts(join(directory, name))?.mtimeMs ?? Infinity) < youngestMs;
  const candidates = deletable(archive.segments, request.neededFrom).filter(isOld);
  try {
    const done =
      candidates.length === 0
        ? { deletedFiles: 0, warnings: [] }
        : await deleteHeld(deps, request, { archive, candidates }, step);
    const left = listArchive(directory);
    await removeArchived(directory, deletableNotes(left.notes, left.segments).filter(isOld), step);
    return done;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.class === 'cancelled' || error.class === 'bug') throw error;
    return {
      deletedFiles: 0,
      warnings: [{ code: 'archive_kept', detail: `no archived file was deleted: ${error.message}` }],
    };
  }
}

/** A restart of the API or the catalog is over by then; the log itself is safe, so nothing is lost by giving up. */
const outageMs = 60_000;

const outageOf = (step: StepContext): Patience => ({
  ms: outageMs,
  shouldStop: () => step.signal.aborted,
  onAway: ({ message }) => {
    step.log({ level: 'warn', message: `${message}; asking again before archived files are deleted` });
  },
});

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
  let held: Contents | undefined;
  const lost: Warning[] = [];
  const bucket = createTokenBucket(() => transferNow(step.limits()), deps.clock);
  for (const access of request.pools) {
    const pool = await openPool(access);
    const paced = { ...pool, store: withRateLimit(pool.store, bucket, step.signal) };
    try {
      const here = await heldBy(paced, request, { archive, candidates }, step);
      held = held === undefined ? here.held : both(held, here.held);
      lost.push(...here.lost);
    } finally {
      await pool.close();
    }
  }
  await demandGoing(step);
  const { same, different } = compareFiles(
    request.directory,
    held ?? new Map<SegmentName, ReadonlySet<string>>(),
    step,
  );
  // What the pools hold was committed before this question, so a backup recorded after it, in a pause too, begins behind all of it.
  const needed = await retrying(retriesWith(outageOf(step)), () => deps.neededLog(step.runId));
  const free = needed === undefined ? [] : deletable(archive.segments, needed).filter((name) => same.includes(name));
  reach(step, 'log.before-delete');
  await removeArchived(request.directory, free, step);
  reach(step, 'log.after-delete');
  const warnings = different.map((name): Warning => {
    const detail = `${join(request.directory, name)} is not what the pools hold, or held until a plan deleted it, under its name and was not deleted`;
    return { code: 'archive_file_differs', detail };
  });
  return { deletedFiles: free.length, warnings: [...lost, ...warnings] };
}

/** Hashes that a file may have to be deleted, by name. */
type Contents = ReadonlyMap<SegmentName, ReadonlySet<string>>;

/** What a pool has of the candidates. */
interface Held {
  /** Of those that it has committed and can give back, or that a plan deleted: what was deleted, when that is known. */
  readonly held: Contents;
  /** Of those that it has committed and cannot give back: the archive may hold their only copy. */
  readonly lost: readonly Warning[];
}

async function heldBy(
  pool: Pool,
  request: RetentionRequest,
  { archive, candidates }: Candidates,
  step: StepContext,
): Promise<Held> {
  const held = new Map<SegmentName, ReadonlySet<string>>();
  const lost: Warning[] = [];
  const { systemId, dataDirectory } = request;
  const from = Math.min(...candidates.map(earliestPosition));
  for (const timeline of new Set(candidates.map((name) => parseInt(name.slice(0, 8), 16)))) {
    const branch = await openBranch({ archive, dataDirectory, systemId, pool }, timeline);
    const known = await readBranch(pool, branch, from);
    await secureBranch(pool, known);
    const names = candidates.filter((each) => parseInt(each.slice(0, 8), 16) === timeline);
    const deleted = await deletedOf(pool, branch, { known, names });
    for (const name of names) {
      step.signal.throwIfAborted();
      const segment = known.segments.get(name);
      const why = segment === undefined ? undefined : await faultOf(pool, branch, segment);
      if (why !== undefined) lost.push(lostSegment(join(request.directory, name), why));
      else if (segment !== undefined) held.set(name, new Set([segment.rawSha256]));
      else held.set(name, deleted(name)?.rawSha256 ?? new Set());
    }
  }
  return { held, lost };
}

const lostSegment = (file: string, why: HoldfastError): Warning => ({
  code: 'log_segment_lost',
  detail: `${why.message}; ${file} was not deleted, keep it until a new full backup is done`,
});

/** Why a committed segment cannot be given back: its object is read as a restore would read it. */
async function faultOf(pool: Pool, branch: OpenBranch, segment: SegmentOfBatch): Promise<HoldfastError | undefined> {
  try {
    await getLogSegment(pool, keyOfLog({ ...branch, name: segment.object }), segment.rawSha256);
    return undefined;
  } catch (error) {
    return demandCorrupt(error);
  }
}

/** What both have of a name: nothing when they do not agree. */
const both = (a: Contents, b: Contents): Contents =>
  new Map(
    [...a].map(([name, hashes]) => [name, new Set([...hashes].filter((hash) => b.get(name)?.has(hash) === true))]),
  );

function compareFiles(
  directory: string,
  held: Contents,
  step: StepContext,
): { same: SegmentName[]; different: SegmentName[] } {
  const buffer = new SegmentBuffer();
  const same: SegmentName[] = [];
  const different: SegmentName[] = [];
  for (const [name, hashes] of held) {
    step.signal.throwIfAborted();
    const bytes = hashes.size === 0 ? undefined : buffer.read(join(directory, name));
    if (bytes === undefined) continue;
    (hashes.has(sha256Hex(bytes)) ? same : different).push(name);
  }
  return { same, different };
}
