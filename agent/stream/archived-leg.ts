import { join } from 'node:path';
import type { OrderOf } from '#core/agent/order.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { archivedStretch } from '#core/log/switches/archived-stretch.ts';
import { createTokenBucket } from '#core/pool/token-bucket.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import { diskNow } from '#core/run/rate.ts';
import { historyName } from '#core/wal/history-file.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { segmentOf } from '#core/wal/segment-name.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import { archiveDirectoryOf, archiveDirectoryProblem } from '#agent/database/archive-directory.ts';
import type { Session } from '#agent/database/session.ts';
import { textOf } from '#agent/database/session.ts';
import { takeTokens } from '#agent/pools/rate-limit.ts';
import type { ArchiveListing } from '#agent/wal/archive/archive-folder.ts';
import { listArchive, readTextFile } from '#agent/wal/archive/archive-folder.ts';
import { backUpBranch } from '#agent/wal/back-up-branch.ts';
import type { BatchDeps, OpenBranch } from '#agent/wal/batch-writer.ts';
import type { CommittedBranch } from '#agent/wal/committed-log.ts';
import { readBranch } from '#agent/wal/committed-log.ts';
import type { LogTally } from '#agent/wal/log-tally.ts';
import { levelOf } from '#agent/wal/take-log-backup.ts';
import type { StreamLeg } from './stream-route.ts';

export interface ArchivedLegDeps {
  readonly clock: Clock;
  readonly session: Session;
  readonly order: OrderOf<'log-stream'>;
  readonly step: StepContext;
  readonly tally: LogTally;
  readonly batches: BatchDeps;
  readonly segmentBytes: number;
}

/**
 * Where a stream goes on when the server has the log at the begin of the leg no more: what the archive directory has of it from
 * there up to `to` goes into the pool as by a log backup, checked and committed in the same way, and nothing is deleted. Answers
 * the place behind that, or where the archive has log again; the server is asked first at each such place. Undefined when the archive has
 * nothing more: then what closes the gap is added to the warning of it. Throws what a log backup throws of pools; a directory that
 * cannot be read and a file that is bad are warnings, for the log that is written now must not wait for them.
 */
export async function archivedLeg(deps: ArchivedLegDeps, leg: StreamLeg, to: number): Promise<StreamLeg | undefined> {
  const archive = await archiveOf(deps, leg.branch);
  if (archive === undefined) return undefined;
  const { segmentBytes } = deps;
  const { timeline } = leg.branch;
  const { names, next } = archivedStretch(archive.segments, { timeline, from: leg.from, to, segmentBytes });
  const taken = names.length === 0 ? leg : await take(deps, { ...archive, segments: names }, leg);
  if (taken.from > leg.from) return taken;
  return next === undefined ? undefined : { ...taken, from: next };
}

/** The directory as the order names it, else as the server does. */
async function archiveOf({ session, order, tally }: ArchivedLegDeps, branch: OpenBranch) {
  const directory =
    order.options.archiveDirectory ??
    archiveDirectoryOf(textOf(await session.queryOne('show archive_command'), 'archive_command'));
  if (directory === undefined) {
    tally.gapAdvice = `; no archive directory is known: if one has that log, end this stream, take a log backup with --archive-directory, which closes the gap, and start the stream again`;
    return undefined;
  }
  tally.gapAdvice = `; the archive directory ${directory} does not have it whole either`;
  try {
    const problem = archiveDirectoryProblem(directory, session.instance);
    if (problem !== undefined) throw problem;
    const archive = listArchive(directory);
    return isOfBranch(archive, branch) ? archive : undefined;
  } catch (error) {
    warnOfDirectory(tally, directory, error);
    return undefined;
  }
}

/** Two servers may both have gone on as one timeline: the history file in the archive tells whose log it has. */
function isOfBranch({ directory, histories }: ArchiveListing, { timeline, branchId }: OpenBranch): boolean {
  if (timeline === 1 || !histories.includes(timeline)) return true;
  const history = readTextFile(join(directory, historyName(timeline)));
  return history === undefined || branchIdOf(history, timeline) === branchId;
}

/** Throws what is not about the directory. */
function warnOfDirectory(tally: LogTally, directory: string, error: unknown): void {
  if (!(error instanceof HoldfastError) || !error.code.startsWith('archive_')) throw error;
  tally.gapAdvice = `; the archive directory ${directory} could not be read: when it can be, end this stream, take a log backup, which closes the gap if the log is there, and start the stream again`;
  if (!tally.warnings.some(({ detail }) => detail === error.message))
    tally.warn({ code: error.code, detail: error.message });
}

async function take(deps: ArchivedLegDeps, archive: ArchiveListing, leg: StreamLeg): Promise<StreamLeg> {
  const { clock, order, step, tally, batches, segmentBytes } = deps;
  const { directory } = archive;
  const where = `timeline ${String(leg.branch.timeline)} from ${formatLsn(leg.from)}`;
  step.log({
    level: 'info',
    message: `the server has the log of ${where} on no more: it is taken from the archive directory ${directory}`,
  });
  const disk = createTokenBucket(() => diskNow(step.limits()), clock);
  const level = levelOf(order.options.compression);
  const hasRead = (bytes: number): Promise<void> => takeTokens(disk, bytes, step.signal);
  const work = { order, step, deps: batches, archive, branch: leg.branch, closed: undefined, level, tally, hasRead };
  try {
    await backUpBranch({ ...work, endsAtProblem: true });
  } catch (error) {
    warnOfDirectory(tally, directory, error);
  }
  for (const { code, message } of tally.problems.splice(0)) tally.warn({ code, detail: message });
  const known = await readBranch(batches.pool, leg.branch, leg.from - segmentBytes);
  const from = wholeUntil(known, leg, segmentBytes);
  if (from === leg.from) return { ...leg, known };
  step.log({ level: 'info', message: `the pool has the log of ${where} to ${formatLsn(from)} from ${directory}` });
  return { ...leg, known, from, furthest: from };
}

/** Behind the last of the whole segments that follow each other from the begin of a leg. */
function wholeUntil({ segments }: CommittedBranch, { from, branch }: StreamLeg, segmentBytes: number): number {
  const nameAt = (position: number): SegmentName => segmentOf(branch.timeline, formatLsn(position), segmentBytes);
  let at = from;
  for (let found = segments.get(nameAt(at)); found !== undefined; found = segments.get(nameAt(at))) {
    if (lsnToNumber(found.to) - lsnToNumber(found.from) < found.rawBytes) break;
    at += segmentBytes;
  }
  return at;
}
