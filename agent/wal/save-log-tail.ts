import { dirname, join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import { entryOf } from '#core/wal/check-segment.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { compareLsn, lsnToNumber } from '#core/wal/lsn.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import type { SegmentReading } from '#core/wal/segment-reading.ts';
import { segmentStart } from '#core/wal/segment-name.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import { fastLevel } from '#agent/codec/zstd.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { getLogSegment, putLogSegment } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import type { ArchiveListing } from './archive/archive-folder.ts';
import { SegmentBuffer, listArchive } from './archive/archive-folder.ts';
import type { BatchDeps, OpenBranch } from './batch-writer.ts';
import { BatchWriter } from './batch-writer.ts';
import type { CommittedBranch } from './committed-log.ts';
import { demandCorrupt, positionBefore, readBranch, segmentBefore } from './committed-log.ts';
import { breakWarning } from './log-tally.ts';
import { isNoContinuation, isOtherLog } from './other-log.ts';
import { openBranch, timelinesIn } from './open-branches.ts';

export interface TailRequest {
  /** pg_wal of a closed instance. */
  readonly logDirectory: string;
  readonly systemId: string;
}

export interface TailReport {
  /** Files stored, whole or unfinished. */
  readonly segments: number;
  readonly batches: readonly string[];
  readonly warnings: readonly Warning[];
}

/**
 * Saves the log that a closed instance has in pg_wal and the pool does not hold: whole segments as they are, the last
 * one up to its last record, zeros behind it, under a name of its own so that the finished segment can still come. To be
 * called before an in-place restore moves the directory aside (design §7). Safe to repeat: saved log is not saved twice.
 */
export async function saveLogTail(deps: BatchDeps, request: TailRequest, step: StepContext): Promise<TailReport> {
  const archive = listArchive(request.logDirectory);
  const warnings: Warning[] = [];
  const batches: string[] = [];
  let segments = 0;
  for (const timeline of timelinesIn(archive)) {
    try {
      const source = {
        archive,
        dataDirectory: dirname(request.logDirectory),
        systemId: request.systemId,
        pool: deps.pool,
      };
      const saved = await saveBranch(deps, { archive, branch: await openBranch(source, timeline) }, step);
      segments += saved.segments;
      batches.push(...saved.batches);
      warnings.push(...saved.warnings);
    } catch (error) {
      if (!(error instanceof HoldfastError) || !error.code.startsWith('log_history_')) throw error;
      warnings.push({ code: 'log_tail_unsaved', detail: error.message });
    }
  }
  return { segments, batches, warnings };
}

interface Tail {
  readonly archive: ArchiveListing;
  readonly branch: OpenBranch;
}

async function saveBranch(deps: BatchDeps, tail: Tail, step: StepContext): Promise<TailReport> {
  const { archive, branch } = tail;
  const names = archive.segments.filter((name) => parseInt(name.slice(0, 8), 16) === branch.timeline);
  const [first, ...rest] = names;
  if (first === undefined) return { segments: 0, batches: [], warnings: [] };
  const known = await readBranch(deps.pool, branch, positionBefore(first));
  const writer = new BatchWriter(deps, branch, known);
  try {
    return await saveSegments(deps, { ...tail, names: [first, ...rest], known, writer }, step);
  } finally {
    await writer.close();
  }
}

interface TailToSave extends Cut {
  readonly known: CommittedBranch;
  readonly writer: BatchWriter;
}

async function saveSegments(deps: BatchDeps, tail: TailToSave, step: StepContext): Promise<TailReport> {
  const { archive, branch, names, known, writer } = tail;
  const before = segmentBefore(known, names[0]);
  const reader = await readerBehind(deps.pool, branch, before);
  const cut = (): void => {
    writer.cut(before);
  };
  const buffer = new SegmentBuffer();
  const warnings = known.unreadable.map(({ message }): Warning => ({ code: 'log_batch_unreadable', detail: message }));
  let segments = 0;
  for (const name of names) {
    step.signal.throwIfAborted();
    const bytes = buffer.read(join(archive.directory, name));
    const reading = bytes === undefined ? undefined : readOn(reader, bytes, name === names[0] ? cut : undefined);
    // A recycled file waits under a future name with old content: the log ends before it.
    if (bytes === undefined || reading === undefined || !isOwn(name, branch, reading)) {
      warnings.push(...unsaved(tail, name, 'it is not readable log of this branch'));
      break;
    }
    const committed = known.segments.get(name);
    if (committed !== undefined && (await isOtherLog(deps.pool, branch, committed, { reading, bytes }))) {
      warnings.push(otherLog(tail, name));
      break;
    }
    if (!isSaved(committed, reading)) {
      const entry = await storeSegment(deps, branch, { name, reading, bytes });
      await writer.add(entry, { segmentBytes: reading.header.segmentBytes, knownUntil: reading.knownUntil });
      segments++;
    }
    if (reading.ending === 'early') {
      warnings.push(...unsaved(tail, name, `its log ends at ${reading.to}`));
      break;
    }
  }
  await writer.commit();
  warnings.push(...breaksOf(writer, branch));
  return { segments, batches: writer.committed, warnings };
}

const isSaved = (committed: SegmentOfBatch | undefined, { to }: SegmentReading): boolean =>
  committed !== undefined && compareLsn(committed.to, to) >= 0;

const breaksOf = ({ gaps }: BatchWriter, { timeline }: OpenBranch): readonly Warning[] =>
  gaps.filter(({ isBreak }) => isBreak).map(({ lsn }) => breakWarning(timeline, lsn));

/** A reader that saw the log before, so that it tells log of another time by the first record. Lost log says nothing. */
async function readerBehind(
  pool: Pool,
  { systemId, branchId }: OpenBranch,
  before: SegmentOfBatch | undefined,
): Promise<LogReader> {
  const reader = new LogReader();
  if (before === undefined) return reader;
  const object = keyOfLog({ systemId, branchId, name: before.object });
  const bytes = await getLogSegment(pool, object, before.rawSha256).catch(
    (error: unknown) => void demandCorrupt(error),
  );
  if (bytes !== undefined) reader.read(bytes);
  return reader;
}

/** Reads the next file. Where it does not continue the log before, `cut` is told, and it is read as a beginning: the reader does so the second time. */
function readOn(reader: LogReader, bytes: Uint8Array, cut: (() => void) | undefined): SegmentReading | undefined {
  const reading = reader.read(bytes);
  if (cut === undefined || reading === undefined || !isNoContinuation(reading)) return reading;
  cut();
  return reader.read(bytes);
}

interface Cut {
  readonly archive: ArchiveListing;
  readonly branch: OpenBranch;
  readonly names: readonly [SegmentName, ...SegmentName[]];
}

/** Recycled files behind the end carry old log. Log that is where its name says was written: then the end is damage. */
function unsaved({ archive, branch, names }: Cut, at: SegmentName, why: string): Warning[] {
  const buffer = new SegmentBuffer();
  const lost = names.filter((name) => {
    const bytes = name > at ? buffer.read(join(archive.directory, name)) : undefined;
    const reading = bytes === undefined ? undefined : new LogReader().read(bytes);
    return reading !== undefined && isOwn(name, branch, reading);
  });
  if (lost.length === 0) return [];
  const last = lost[lost.length - 1] ?? at;
  return [
    {
      code: 'log_tail_unsaved',
      detail: `${join(archive.directory, at)} is damaged (${why}): the log behind that, up to ${last}, was not saved`,
    },
  ];
}

const isOwn = (name: SegmentName, branch: OpenBranch, reading: SegmentReading): boolean =>
  reading.header.systemId === branch.systemId &&
  reading.from === segmentStart(name, reading.header.segmentBytes) &&
  reading.timeline <= branch.timeline &&
  reading.records > 0;

const otherLog = ({ archive, names }: Cut, at: SegmentName): Warning => ({
  code: 'log_tail_unsaved',
  detail: `${join(archive.directory, at)} is not the log that the pool holds under its name: the instance was put back to an earlier state, or it is a copy. Its log from there on, up to ${names[names.length - 1] ?? at}, was not saved`,
});

/** A segment that was read, whole or not. */
export interface ReadSegment {
  readonly name: SegmentName;
  readonly reading: SegmentReading;
  readonly bytes: Uint8Array;
  /** zstd level; fast when absent. */
  readonly level?: number;
  /** Last record known before, for a segment in which none ends. */
  readonly previousRecord?: Lsn;
}

/**
 * Puts a segment, an unfinished one with zeros behind its last record, which this writes into `bytes`, and under a name of
 * its own. Durable and visible with the batch that names it. Throws `log_duplicate_differs`.
 */
export async function storeSegment(
  deps: BatchDeps,
  branch: OpenBranch,
  { name, reading, bytes, level = fastLevel, previousRecord = reading.from }: ReadSegment,
): Promise<SegmentOfBatch> {
  const isWhole = reading.ending !== 'early';
  if (!isWhole) bytes.fill(0, lsnToNumber(reading.to) - lsnToNumber(reading.from));
  const ownName = `${name}.${sha256Hex(bytes).slice(0, 16)}`;
  const place = { systemId: branch.systemId, branchId: branch.branchId };
  let object: string = isWhole ? name : ownName;
  let put = await putLogSegment(deps.pool, { ...place, name: object }, bytes, level);
  if (put.outcome === 'different') {
    object = ownName;
    put = await putLogSegment(deps.pool, { ...place, name: object }, bytes, level);
  }
  if (put.outcome === 'different') throw fail('log_duplicate_differs', { file: name, object: put.key });
  const { rawSha256, storedSha256, storedBytes } = put;
  const stored = { object, rawSha256, storedSha256, storedBytes, rawBytes: bytes.length };
  return entryOf(name, reading, stored, previousRecord);
}
