import { join } from 'node:path';
import type { OrderOf } from '#core/agent/order.ts';
import type { BlockReferences } from '#core/changed/block-references.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import { judgeDeleted } from '#core/log/deleted-segment.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import type { StoredSegment } from '#core/wal/check-segment.ts';
import { checkSegment, entryOf } from '#core/wal/check-segment.ts';
import { parseHistory } from '#core/wal/history-file.ts';
import type { SegmentReading } from '#core/wal/segment-reading.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { segmentStart } from '#core/wal/segment-name.ts';
import { isWholeSegment } from '#core/log/whole-segment.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { SealLog } from '#agent/sets/log-objects.ts';
import { getLogSegment, putLogSealedBy } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import type { ArchiveListing } from './archive/archive-folder.ts';
import { fileFacts, isUnfinished, SegmentBuffer } from './archive/archive-folder.ts';
import type { BatchDeps, OpenBranch } from './batch-writer.ts';
import { BatchWriter } from './batch-writer.ts';
import type { CommittedBranch } from './committed-log.ts';
import { demandCorrupt, positionBefore, readBranch, secureBranch, segmentBefore } from './committed-log.ts';
import type { CheckedSegment, HeldSegment, LogPipeline } from './threads/log-pipeline.ts';
import { openLogPipeline } from './threads/log-threads.ts';
import { hashOfStart } from './hash-of-start.ts';
import { isNoContinuation, isOtherLog } from './other-log.ts';
import { isOwnFile, sameTimeline } from './own-file.ts';
import { replaceLost } from './replace-lost.ts';
import type { DeletedOf } from './truncated-log.ts';
import { deletedOf } from './truncated-log.ts';
import type { LogSwitch } from './switch-log.ts';
import type { LogTally } from './log-tally.ts';

/** What the backup of one branch works with. */
export interface BranchWork {
  readonly order: Pick<OrderOf<'log-backup'>, 'options'>;
  readonly step: StepContext;
  readonly deps: BatchDeps;
  readonly archive: ArchiveListing;
  readonly branch: OpenBranch;
  readonly closed: LogSwitch['closed'];
  readonly level: number;
  readonly tally: LogTally;
  /** Waits until so many bytes may have been read from the disk (K-086). */
  readonly hasRead: (bytes: number) => Promise<void>;
  /** What follows a bad file is left alone: another source may have its log. */
  readonly endsAtProblem?: boolean;
  /** What the archive refused last of the timeline before: log that goes on from there on this branch does not continue it either. */
  readonly refused?: SegmentOfBatch | undefined;
  /** Where the server still has its own log. */
  readonly logDirectory?: string;
}

/**
 * Stores and commits what the archive holds of one branch and the pool does not. A bad file is left where it is, what
 * follows it is committed behind a recorded break, and the error comes at the end: log is never lost to another's damage.
 * Answers the committed segment in whose place the archive has other log, when nothing was committed behind it since.
 */
export async function backUpBranch(work: BranchWork): Promise<SegmentOfBatch | undefined> {
  const { archive, branch, deps, tally } = work;
  const archived = archive.segments.filter((name) => sameTimeline(name, branch.timeline));
  const [first] = archived;
  const known = await readBranch(deps.pool, branch, first === undefined ? 0 : positionBefore(first));
  await secureBranch(deps.pool, known);
  // A batch of a run that died between commit and report is told again: the catalog is an index of the pool.
  if (known.newest !== undefined) await deps.channel.putBatch(known.newest.batch, deps.runId);
  for (const { message } of known.unreadable) {
    tally.warn({
      code: 'log_batch_unreadable',
      detail: `${message}; what the archive still has of its log is committed again`,
    });
  }
  const deleted = await deletedOf(deps.pool, branch, { known, names: archived });
  const session = new BranchSession(work, { ...known, deleted }, archived);
  try {
    for (const name of archived) {
      await session.take(name, name === archive.segments[archive.segments.length - 1]);
      if (work.endsAtProblem === true && tally.problems.length > 0) break;
    }
    await session.finish();
  } finally {
    await session.close();
  }
  tally.gaps(branch, session.writer.gaps);
  tally.batches.push(...session.writer.committed);
  return session.writer.refused;
}

/** What a pool holds of a branch, and what plans deleted from it. */
type KnownBranch = CommittedBranch & { readonly deleted: DeletedOf };

/** A segment that was checked and is on its way into the pool. */
interface Pending {
  readonly name: SegmentName;
  readonly reading: SegmentReading;
  readonly references: BlockReferences;
  readonly stored: Promise<StoredSegment>;
}

/** Reads and checks segments in order; storing may lag behind by a few, committing follows in order. */
class BranchSession {
  readonly writer: BatchWriter;
  readonly #work: BranchWork;
  readonly #known: KnownBranch;
  readonly #history: ReturnType<typeof parseHistory>;
  readonly #pipeline: LogPipeline;
  readonly #pending: Pending[] = [];
  #last: SegmentOfBatch | undefined;
  #isPrimed = false;
  #lastName: SegmentName | undefined;
  /** Files in the place of deleted log of which nobody knows whether they are that log. */
  readonly #unproven: SegmentName[] = [];

  constructor(work: BranchWork, known: KnownBranch, archived: readonly SegmentName[]) {
    const { level, order, deps, branch, archive } = work;
    this.#work = work;
    this.#known = known;
    this.#history = parseHistory(branch.history);
    // What will probably be stored.
    const names = archived.filter((name) => !known.segments.has(name) && known.deleted(name) === undefined);
    const sizes = names.map((name) => fileFacts(join(archive.directory, name))?.sizeBytes ?? 0);
    const isPutAtOnce = deps.pool.store.isPutAtOnce === true;
    const { channels } = order.options;
    this.#pipeline = openLogPipeline({ pool: deps.pool, level, channels, sizes, isPutAtOnce });
    this.writer = new BatchWriter(deps, branch, known);
    if (work.refused !== undefined && isRightBefore(work.refused, archived)) this.writer.cut(work.refused);
  }

  /** One file of the archive. `isNewest`: it may still be on its way in. */
  async take(name: SegmentName, isNewest: boolean): Promise<void> {
    this.#work.step.signal.throwIfAborted();
    const file = join(this.#work.archive.directory, name);
    const held = await this.#pipeline.read(file);
    if (held === undefined) return;
    let isKept = false;
    try {
      await this.#work.hasRead(held.bytes.length);
      isKept = await this.#takeHeld(name, file, { held, isNewest });
    } catch (error) {
      if (isAboutFile(error)) await this.#settle(0);
      await this.#refuse(name, error);
      if (isAboutFile(error) && isOfAnotherTime(error)) await this.#part(name, file, held);
    } finally {
      if (!isKept) this.#pipeline.release(held);
    }
    // Why here: what is put lets go of its room, and the next segment needs one.
    await this.#settle(this.#pipeline.ahead);
  }

  /** A file that is bad ends the stretch before it; everything else ends the log backup. */
  async #refuse(name: SegmentName, error: unknown): Promise<void> {
    if (!isAboutFile(error)) throw error;
    this.#work.tally.problem(error, name);
    await this.writer.commit();
  }

  /**
   * The server writes other log than the pool has in that place: nothing committed so far leads to what follows. Not so when the file is
   * no log at all: one that was damaged since it was backed up says nothing about what follows.
   */
  async #part(name: SegmentName, file: string, held: HeldSegment): Promise<void> {
    const committed = this.#known.segments.get(name);
    if (committed !== undefined && !(await this.#isLog(name, file, held))) {
      this.#last = committed;
      this.#isPrimed = false;
      return;
    }
    this.writer.cut(committed);
    this.#last = undefined;
    this.#isPrimed = true;
  }

  async #isLog(name: SegmentName, file: string, held: HeldSegment): Promise<boolean> {
    try {
      await this.#check(name, file, held);
      return true;
    } catch (error) {
      if (!isAboutFile(error)) throw error;
      return false;
    }
  }

  /** Ends what is under way and waits for what cannot be ended: nothing may use a pool that is closed. Throws nothing of theirs. */
  async close(): Promise<void> {
    await this.#pipeline.close();
    await Promise.allSettled(this.#pending.map(({ stored }) => stored));
    await this.writer.close();
  }

  async finish(): Promise<void> {
    await this.#settle(0);
    const { closed, tally } = this.#work;
    const isOurs = closed !== undefined && sameTimeline(closed.segment, this.#work.branch.timeline);
    const isCovered = isOurs && this.#lastName !== undefined && this.#lastName >= closed.segment;
    await this.writer.commit(isCovered ? closed.at : undefined);
    if (isOurs && !isCovered) await this.#coverIdle(closed);
    await this.writer.commitHistory(tally.segmentBytes ?? 16 * 1024 * 1024);
    if (this.#unproven.length > 0) tally.warn(unprovenLog(this.#work.archive.directory, this.#unproven));
  }

  /** Nothing followed the closed segment up to the switch. It need not be that of the newest batch, which may have closed a gap. */
  async #coverIdle(closed: NonNullable<LogSwitch['closed']>): Promise<void> {
    const last = this.#known.segments.get(closed.segment);
    if (last === undefined || !isWholeSegment(last)) return;
    const { logDirectory, tally } = this.#work;
    const file = logDirectory === undefined ? undefined : join(logDirectory, closed.segment);
    const own = file === undefined ? undefined : hashOfStart(file, last.rawBytes);
    // Why: an archive that outlived the state which was put back says nothing about what the server writes now.
    if (file !== undefined && own !== undefined && own !== last.rawSha256)
      tally.problem(fail('log_duplicate_differs', { file, object: this.#keyOf(last.object) }), closed.segment);
    else await this.writer.commitIdle(closed.at, last.to);
  }

  /** True when the segment is on its way into the pool: then its bytes are held until it is there. */
  async #takeHeld(
    name: SegmentName,
    file: string,
    { held, isNewest }: { held: HeldSegment; isNewest: boolean },
  ): Promise<boolean> {
    const { tally } = this.#work;
    const committed = this.#known.segments.get(name);
    if (committed !== undefined && isWholeSegment(committed)) {
      await this.#settle(0);
      if (!(await this.#isSame(held, file, committed)))
        throw fail('log_duplicate_differs', { file, object: this.#keyOf(committed.object) });
      this.writer.mend();
      this.#last = committed;
      this.#isPrimed = false;
      return false;
    }
    if (isNewest && isUnfinished(held.bytes)) {
      tally.warn({
        code: 'log_file_incomplete',
        detail: `${file} is not complete yet and is left for the next log backup`,
      });
      return false;
    }
    if (await this.#isDeleted(name, file, held)) return false;
    const { reading, references } = await this.#check(name, file, held);
    await this.#demandSameBegin(file, held, committed);
    const stored = this.#store(name, file, held).finally(() => {
      this.#pipeline.release(held);
    });
    // Why: a failure belongs to `#settle`, which awaits it; until then it must not count as unhandled.
    stored.catch(() => undefined);
    this.#pending.push({ name, reading, references, stored });
    return true;
  }

  /**
   * What a plan deleted from the pool is not sent again, however long the archive keeps it (K-080 `keep`). Throws
   * `log_deleted_differs`: other log in that place must not pass for it.
   */
  async #isDeleted(name: SegmentName, file: string, held: HeldSegment): Promise<boolean> {
    const deleted = this.#known.deleted(name);
    if (deleted === undefined) return false;
    const rawSha256 = (await this.#hashOf(held, file)) ?? '';
    const verdict = judgeDeleted(deleted, { rawSha256, mtimeMs: fileFacts(file)?.mtimeMs ?? Infinity });
    if (verdict === 'other') throw fail('log_deleted_differs', { file, at: deleted.at });
    if (verdict === 'unproven') this.#unproven.push(name);
    return true;
  }

  /** Throws `log_duplicate_differs` for a file that does not begin as the tail that was committed in its place. */
  async #demandSameBegin(file: string, { bytes }: HeldSegment, committed: SegmentOfBatch | undefined): Promise<void> {
    if (committed === undefined) return;
    const { pool } = this.#work.deps;
    const { from, to } = committed;
    if (await isOtherLog(pool, this.#work.branch, committed, { reading: { from, to }, bytes }))
      throw fail('log_duplicate_differs', { file, object: this.#keyOf(committed.object) });
  }

  /** Whether a file is what was committed, to its last byte. */
  async #isSame(held: HeldSegment, file: string, { rawBytes, rawSha256 }: SegmentOfBatch): Promise<boolean> {
    return held.fileBytes === rawBytes && (await this.#hashOf(held, file)) === rawSha256;
  }

  /** Of a whole file: one of another size than usual may not have been read to its end. Undefined when it is gone. */
  async #hashOf(held: HeldSegment, file: string): Promise<string | undefined> {
    if (held.bytes.length === held.fileBytes) return this.#pipeline.hash(held);
    const bytes = new SegmentBuffer().read(file);
    return bytes === undefined ? undefined : sha256Hex(bytes);
  }

  /** Waits until at most so many segments are on their way; the others are entries of the batch. */
  async #settle(most: number): Promise<void> {
    while (this.#pending.length > most) {
      const [next] = this.#pending.splice(0, 1);
      if (next === undefined) return;
      const stored = await next.stored.catch((error: unknown) => this.#refuse(next.name, error));
      if (stored !== undefined) await this.#enter(next, stored);
    }
  }

  async #enter({ name, reading, references }: Pending, stored: StoredSegment): Promise<void> {
    const entry = entryOf(name, reading, stored, this.#last?.lastRecord ?? reading.from);
    const { header, knownUntil, recordsFrom, recordsTo } = reading;
    const listed = { from: recordsFrom, to: recordsTo, references };
    await this.writer.add(entry, { segmentBytes: header.segmentBytes, knownUntil, references: listed });
    this.#work.tally.stored(entry, header.segmentBytes);
    this.#last = entry;
    this.#lastName = name;
  }

  async #check(name: SegmentName, file: string, held: HeldSegment): Promise<CheckedSegment & Pick<Pending, 'reading'>> {
    const { branch } = this.#work;
    const before = await this.#prime(name);
    const found = await this.#pipeline.check(held);
    const isOther = before !== undefined && found.reading !== undefined && isNoContinuation(found.reading);
    const hash = () => this.#hashOf(held, file);
    const isAnew = isOther && (await isOwnFile(this.#work, { name, fileBytes: held.fileBytes, hash }));
    // Behind what it did not accept the reader begins anew.
    const { reading, references } = isAnew ? await this.#pipeline.check(held) : found;
    const expected = { name, file, systemId: branch.systemId, bytes: held.fileBytes, history: this.#history };
    const checked = checkSegment(expected, reading);
    if (isAnew) await this.#break(before);
    return { reading: checked, references };
  }

  /** Good log that does not continue what is committed right before it. */
  async #break(before: SegmentOfBatch): Promise<void> {
    await this.#settle(0);
    await this.writer.commit();
    this.writer.cut(before);
    this.#last = undefined;
  }

  /**
   * A record that begins in committed log goes on in the file: the reader gets to see its beginning, and so whether the file continues that
   * log at all. Answers what it was shown.
   */
  async #prime(name: SegmentName): Promise<SegmentOfBatch | undefined> {
    const before = this.#isPrimed ? undefined : segmentBefore(this.#known, name);
    this.#isPrimed = true;
    if (before === undefined) return undefined;
    const { pool } = this.#work.deps;
    const bytes = await getLogSegment(pool, this.#keyOf(before.object), before.rawSha256).catch((error: unknown) =>
      replaceLost(this.#work, before, demandCorrupt(error)),
    );
    if (bytes !== undefined) await this.#pipeline.prime(bytes);
    return bytes === undefined ? undefined : before;
  }

  /** Log that a killed run left uncommitted is used when it is the same, and left alone when it is not. */
  async #store(name: SegmentName, file: string, held: HeldSegment): Promise<StoredSegment> {
    const { pool } = this.#work.deps;
    const { bytes } = held;
    const seal: SealLog = (log) => this.#pipeline.seal(log, held);
    let object: string = name;
    reach(this.#work.step, 'log.before-segment');
    let put = await putLogSealedBy(pool, this.#nameOf(object), bytes, seal);
    if (put.outcome === 'different') {
      object = `${name}.${sha256Hex(bytes).slice(0, 16)}`;
      put = await putLogSealedBy(pool, this.#nameOf(object), bytes, seal);
    }
    if (put.outcome === 'different') throw fail('log_duplicate_differs', { file, object: put.key });
    reach(this.#work.step, 'log.after-segment');
    const { rawSha256, storedSha256, storedBytes } = put;
    return { object, rawSha256, storedSha256, storedBytes, rawBytes: bytes.length };
  }

  readonly #nameOf = (object: string): { systemId: string; branchId: string; name: string } => ({
    systemId: this.#work.branch.systemId,
    branchId: this.#work.branch.branchId,
    name: object,
  });

  readonly #keyOf = (object: string): ObjectKey => keyOfLog(this.#nameOf(object));
}

const unprovenLog = (directory: string, names: readonly SegmentName[]): Warning => ({
  code: 'log_deletion_unproven',
  detail: `${directory} holds ${String(names.length)} segments from ${names[0] ?? ''} to ${names[names.length - 1] ?? ''} where the pool notes that a plan deleted log, but not what that log was, as when an earlier version deleted it or its batch could not be read: they may be that log or other log. They are not sent again, and no backup deletes them. When you know that they are the deleted log, remove them yourself`,
});

const isRightBefore = ({ to, from }: SegmentOfBatch, [first]: readonly SegmentName[]): boolean =>
  first !== undefined && segmentStart(first, lsnToNumber(to) - lsnToNumber(from)) === to;

const ofAnotherTime: ReadonlySet<string> = new Set(['log_duplicate_differs', 'log_deleted_differs']);
const isOfAnotherTime = ({ code }: HoldfastError): boolean => ofAnotherTime.has(code);

const aboutFile = new Set(['log_damaged', 'log_foreign', 'log_name_mismatch', ...ofAnotherTime]);
const isAboutFile = (error: unknown): error is HoldfastError =>
  error instanceof HoldfastError && aboutFile.has(error.code);
