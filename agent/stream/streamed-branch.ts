import { BlockReferences } from '#core/changed/block-references.ts';
import { fail } from '#core/errors/fail.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import { checkSegment } from '#core/wal/check-segment.ts';
import { parseHistory } from '#core/wal/history-file.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import { segmentOf } from '#core/wal/segment-name.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { isWholeSegment } from '#core/log/whole-segment.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import type { BatchDeps, OpenBranch } from '#agent/wal/batch-writer.ts';
import { BatchWriter } from '#agent/wal/batch-writer.ts';
import type { CommittedBranch } from '#agent/wal/committed-log.ts';
import { demandCorrupt } from '#agent/wal/committed-log.ts';
import type { LogTally } from '#agent/wal/log-tally.ts';
import { storeSegment } from '#agent/wal/save-log-tail.ts';
import type { CoveredMark } from './covered-mark.ts';
import type { FullSegment } from './incoming-log.ts';

export interface StreamedBranchDeps extends BatchDeps {
  readonly segmentBytes: number;
  /** zstd level of whole segments. */
  readonly level: number;
  readonly tally: LogTally;
  /** Hears of every commit: the byte position behind the last record that is durable in the pool. */
  onCommitted(position: number): Promise<void>;
}

/**
 * Checks and commits the log of one branch as it arrives: each whole segment like one of an archive directory (record CRCs,
 * continuity, block references), the last one, as far as it came, under a name of its own like the saved tail of a
 * closed instance. The whole segment takes its place when it comes.
 */
export class StreamedBranch {
  readonly writer: BatchWriter;
  readonly #deps: StreamedBranchDeps;
  readonly #branch: OpenBranch;
  readonly #known: CommittedBranch;
  readonly #history: ReturnType<typeof parseHistory>;
  readonly #reader = new LogReader();
  /** The whole segment before the one that is being filled: a record may begin in it. */
  #before: Uint8Array | undefined;
  #last: SegmentOfBatch | undefined;
  /** What is committed of the segment with which the stream goes on. */
  #begun: { readonly entry: SegmentOfBatch; readonly bytes: Uint8Array } | undefined;
  /** Where committed log ends that reaches `committed`, as its batch says it. */
  #end: Lsn | undefined;
  readonly #toldGaps = new Set<Lsn>();
  #toldBatches = 0;
  /** Byte position behind the last record that is durable in the pool. */
  committed: number;

  constructor(deps: StreamedBranchDeps, branch: OpenBranch, known: CommittedBranch) {
    this.#deps = deps;
    this.#branch = branch;
    this.#known = known;
    this.#history = parseHistory(branch.history);
    this.writer = new BatchWriter(deps, branch, known);
    this.committed = 0;
  }

  /** Shows the reader the committed segment before `from`, so that a record that goes on there is checked whole. */
  async begin(from: number): Promise<void> {
    const { segmentBytes } = this.#deps;
    this.committed = from;
    const entry = this.#known.segments.get(this.#nameAt(from));
    const bytes = entry === undefined || isWholeSegment(entry) ? undefined : await this.#fetch(entry);
    this.#begun = entry === undefined || bytes === undefined ? undefined : { entry, bytes };
    const before = from === 0 ? undefined : this.#known.segments.get(this.#nameAt(from - segmentBytes));
    if (before === undefined || !isWholeSegment(before)) return;
    this.#last = before;
    this.#end = before.to;
    this.#before = await this.#fetch(before);
    if (this.#before !== undefined) this.#reader.read(this.#before);
  }

  #fetch({ object, rawSha256 }: SegmentOfBatch): Promise<Uint8Array | undefined> {
    const { pool, tally } = this.#deps;
    const { systemId, branchId } = this.#branch;
    return getLogSegment(pool, keyOfLog({ systemId, branchId, name: object }), rawSha256).catch((error: unknown) => {
      tally.warn({ code: 'log_segment_lost', detail: demandCorrupt(error).message });
      return undefined;
    });
  }

  /**
   * The segment with which the stream goes on must begin as it is committed, as far as both go: a server that was put back writes other
   * log there, and nothing else may show it when the segment before is not in the pool any more. Throws `log_put_back`.
   */
  #demandSameBegin({ from, bytes }: FullSegment, to: number): void {
    const begun = this.#begun;
    if (begun === undefined || lsnToNumber(begun.entry.from) !== from) return;
    const length = Math.min(to, lsnToNumber(begun.entry.to)) - from;
    if (Buffer.compare(bytes.subarray(0, length), begun.bytes.subarray(0, length)) === 0) return;
    const what = `its segment ${begun.entry.name} differs from ${begun.entry.object}`;
    throw fail('log_put_back', { timeline: String(this.#branch.timeline), what });
  }

  /** Stores a whole segment; visible with `commit`. Throws what `checkSegment` throws, `log_duplicate_differs`, `log_put_back`. */
  async takeWhole(full: FullSegment): Promise<void> {
    const { from, bytes } = full;
    const { level, tally, segmentBytes } = this.#deps;
    this.#demandSameBegin(full, from + segmentBytes);
    const name = this.#nameAt(from);
    const references = new BlockReferences();
    const found = this.#reader.read(bytes, references);
    const reading = checkSegment(this.#expected(name, bytes), found);
    this.#before = bytes;
    const committed = this.#known.segments.get(name);
    if (committed !== undefined && isWholeSegment(committed)) {
      if (sha256Hex(bytes) !== committed.rawSha256)
        throw fail('log_duplicate_differs', { file: `${name} of the stream`, object: committed.object });
      this.#last = committed;
      this.#end = committed.to;
      this.committed = from + segmentBytes;
      return;
    }
    const previousRecord = this.#last?.lastRecord ?? reading.from;
    const entry = await storeSegment(this.#deps, this.#branch, { name, reading, bytes, level, previousRecord });
    const listed = { from: reading.recordsFrom, to: reading.recordsTo, references };
    await this.writer.add(entry, { segmentBytes, knownUntil: reading.knownUntil, references: listed });
    tally.stored(entry, segmentBytes);
    this.#last = entry;
  }

  /** Makes what was taken visible. `mark` counts when the log reaches it. */
  async commit(mark?: CoveredMark): Promise<void> {
    const to = this.#last === undefined ? this.committed : aligned(lsnToNumber(this.#last.to));
    await this.writer.commit(mark !== undefined && mark.position <= to ? mark.at : undefined);
    if (to >= this.committed) this.#end = this.#last?.to ?? this.#end;
    this.committed = Math.max(this.committed, to);
    await this.#tell();
  }

  /** Commits the unfinished segment up to its last whole record. Without a new record only the time is committed. */
  async takeTail(tail: FullSegment, mark?: CoveredMark): Promise<void> {
    const { from, bytes } = tail;
    const reader = new LogReader();
    if (this.#before !== undefined) reader.read(this.#before);
    const reading = reader.read(bytes);
    if (reading !== undefined) this.#demandSameBegin(tail, lsnToNumber(reading.to));
    const isNew = reading !== undefined && reading.records > 0 && aligned(lsnToNumber(reading.to)) > this.committed;
    if (!isNew) {
      await this.cover(mark);
      return;
    }
    const name = this.#nameAt(from);
    const previousRecord = this.#last?.lastRecord ?? reading.from;
    const entry = await storeSegment(this.#deps, this.#branch, { name, reading, bytes, previousRecord });
    const { segmentBytes } = this.#deps;
    await this.writer.add(entry, { segmentBytes, knownUntil: reading.knownUntil });
    const to = aligned(lsnToNumber(reading.to));
    await this.writer.commit(mark !== undefined && mark.position <= to ? mark.at : undefined);
    this.#end = entry.to;
    this.committed = to;
    await this.#tell();
  }

  /** Nothing new came: the log that is committed is all there was up to the mark. */
  async cover(mark: CoveredMark | undefined): Promise<void> {
    if (mark === undefined || mark.position > this.committed || this.#end === undefined) return;
    await this.writer.commitIdle(mark.at, this.#end);
    await this.#tell();
  }

  async #tell(): Promise<void> {
    const { tally } = this.#deps;
    const { gaps, committed } = this.writer;
    // A segment whose tail was committed first is told of once.
    for (const gap of gaps) {
      if (!this.#toldGaps.has(gap.lsn)) tally.gaps(this.#branch, [gap]);
      this.#toldGaps.add(gap.lsn);
    }
    tally.batches.push(...committed.slice(this.#toldBatches));
    this.#toldBatches = committed.length;
    await this.#deps.onCommitted(this.committed);
  }

  readonly #nameAt = (position: number): SegmentName =>
    segmentOf(this.#branch.timeline, formatLsn(position), this.#deps.segmentBytes);

  readonly #expected = (name: SegmentName, bytes: Uint8Array): Parameters<typeof checkSegment>[0] => ({
    ...{ name, file: `${name} of the stream`, systemId: this.#branch.systemId },
    ...{ bytes: bytes.length, history: this.#history },
  });
}

/** Records begin at multiples of 8. */
const aligned = (position: number): number => Math.ceil(position / 8) * 8;
