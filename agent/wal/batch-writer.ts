import type { ReferencesOfLog } from '#core/changed/block-references.ts';
import { joinReferences } from '#core/changed/block-references.ts';
import { bug } from '#core/errors/fail.ts';
import type { Faults } from '#core/faults/fault-points.ts';
import { reach } from '#core/faults/fault-points.ts';
import { instantFromMicros } from '#core/instant.ts';
import type { Instant } from '#core/instant.ts';
import type { BatchId, ResourceId, RunId } from '#core/id.ts';
import { idAfter } from '#core/id.ts';
import { branchPrefix } from '#core/format/object-key.ts';
import type { BatchSummary, ReferencesOfBatch, SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { AgentChannel } from '#core/ports/host-work.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import { compareLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { BatchName } from '#agent/sets/log-objects.ts';
import { sealBatch, sealReferences } from '#agent/sets/log-objects.ts';
import type { CommittedBranch } from './committed-log.ts';
import { EarlyBarrier } from './threads/early-barrier.ts';

/** A batch never lists more: its object stays below a few hundred kilobytes. */
export const segmentsPerBatch = 256;

/** The recovery branch that is written. */
export interface OpenBranch {
  readonly systemId: string;
  readonly timeline: number;
  readonly branchId: string;
  readonly history: string;
  /** Where it left its parent; undefined on timeline 1. */
  readonly fork: Lsn | undefined;
}

export interface BatchDeps {
  readonly pool: Pool;
  readonly channel: Pick<AgentChannel, 'putBatch'>;
  readonly newId: IdSource;
  readonly runId: RunId;
  readonly resourceId: ResourceId;
  /** K-084: asked right before each batch; see `StepContext.demandOpen`. */
  readonly demandOpen?: (() => Promise<void>) | undefined;
  /** Where a test lets the process die. */
  readonly faults?: Faults | undefined;
}

/** What was learnt of a segment beside its entry. */
interface SegmentToAdd {
  readonly segmentBytes: number;
  readonly knownUntil: Instant | undefined;
  /** Of the records that end in it; the writer keeps and changes it. */
  readonly references?: ReferencesOfLog;
}

/**
 * Commits verified segments of one branch: one immutable batch object per gap-free stretch, each naming the hash of the
 * one before. Segments must be in the pool before `add`; they are durable and visible only after `commit`.
 */
export class BatchWriter {
  readonly #deps: BatchDeps;
  readonly #branch: OpenBranch;
  readonly #early: EarlyBarrier;
  /** Positions behind which log is committed, with the hash of the segment that ends there where one is known. */
  readonly #ends: Map<number, string | undefined>;
  #previous: Previous;
  /** Whether what is committed next is known not to continue what ends where it begins. */
  #isCut = false;
  /** The committed segment in whose place the source has other log. */
  #refused: SegmentOfBatch | undefined;
  /** Up to which time log is known that ends at a position. */
  readonly #covers: Cover[];
  #segments: SegmentOfBatch[] = [];
  #knownUntil: Instant | undefined;
  #segmentBytes = 0;
  /** Block references of `#segments`; undefined when they cannot be told. */
  #references: ReferencesOfLog | undefined;
  /** Ids of the batches committed here. */
  readonly committed: BatchId[] = [];
  /** Where what was committed here does not continue what is committed before it. */
  readonly gaps: GapBefore[] = [];

  constructor(deps: BatchDeps, branch: OpenBranch, known: CommittedBranch) {
    this.#deps = deps;
    this.#branch = branch;
    this.#early = new EarlyBarrier(deps.pool.store);
    const { newest } = known;
    this.#ends = new Map(newest === undefined ? [] : [[lsnToNumber(newest.batch.to), undefined]]);
    this.#endWith(known.segments.values());
    this.#previous = previousOf(newest?.batch, newest?.sha256 ?? '');
    this.#covers = known.batches.map(coverOf);
  }

  /**
   * Takes a stored segment; commits what was taken before when it does not continue that, or when the batch is full. Throws
   * what a barrier threw that was begun early: then nothing can be committed any more.
   */
  async add(segment: SegmentOfBatch, facts: SegmentToAdd): Promise<void> {
    this.#early.demandNone();
    const last = this.#segments[this.#segments.length - 1];
    const isContinued = last === undefined || last.to === segment.from;
    if (!isContinued || this.#segments.length >= segmentsPerBatch) await this.commit();
    this.#references = this.#joined(facts.references);
    this.#segments.push(segment);
    this.#early.put();
    this.#segmentBytes = facts.segmentBytes;
    if (facts.knownUntil !== undefined && facts.knownUntil > (this.#knownUntil ?? ''))
      this.#knownUntil = facts.knownUntil;
  }

  /** Commits what was taken. `closedAt`: server time before the switch that closed the last segment. */
  async commit(closedAt?: Instant): Promise<void> {
    const [first] = this.#segments;
    const last = this.#segments[this.#segments.length - 1];
    if (first === undefined || last === undefined) return;
    // Whatever is committed there: the segment right before need not be among the files that were refused.
    const breaksWith = this.#isCut ? this.#ends.get(lsnToNumber(first.from)) : undefined;
    const isAfterGap = this.#isCut || !this.#isContinuation(lsnToNumber(first.from));
    if (isAfterGap) this.gaps.push({ lsn: first.from, isBreak: breaksWith !== undefined });
    this.mend();
    const broken = breaksWith === undefined ? {} : { breaksWith };
    await this.#write({ from: first.from, to: last.to, isAfterGap, ...broken }, closedAt);
    this.#endWith(this.#segments);
    this.#segments = [];
    this.#references = undefined;
    this.#knownUntil = undefined;
  }

  /**
   * The log that follows is that of another time than what is committed before it, whatever their positions say. `refused`: the committed
   * segment in whose place the source has other log.
   */
  cut(refused: SegmentOfBatch | undefined): void {
    this.#isCut = true;
    this.#refused = refused;
  }

  /** Log that is committed came again: what follows goes on from there. */
  mend(): void {
    this.#isCut = false;
    this.#refused = undefined;
  }

  /** See `cut`; undefined when what comes next goes on from what is committed. */
  get refused(): SegmentOfBatch | undefined {
    return this.#refused;
  }

  /** Commits the history file of a branch that has no log of its own yet. Nothing happens when the branch is known. */
  async commitHistory(segmentBytes: number): Promise<void> {
    const { fork } = this.#branch;
    if (this.#previous.id !== '' || fork === undefined) return;
    this.#segmentBytes = segmentBytes;
    await this.#write({ from: fork, to: fork, isAfterGap: false });
  }

  /** Nothing was written behind `end`, where committed log ends: it is now known to be the end of the log up to `at`. Not so behind a cut. */
  async commitIdle(at: Instant, end: Lsn): Promise<void> {
    const { id, segmentBytes } = this.#previous;
    if (this.#isCut || id === '' || this.#coveredBy(end) >= at) return;
    this.#segmentBytes = segmentBytes;
    await this.#write({ from: end, to: end, isAfterGap: false }, at);
  }

  /** To be called before the pool is closed, also after an error: a barrier may still run. Throws nothing. */
  close(): Promise<void> {
    return this.#early.close();
  }

  #endWith(segments: Iterable<SegmentOfBatch>): void {
    for (const { to, rawSha256 } of segments) this.#ends.set(lsnToNumber(to), rawSha256);
  }

  #isContinuation(from: number): boolean {
    if (this.#ends.has(from)) return true;
    const hasLog = [...this.#ends.keys()].some((end) => end <= from);
    const { fork } = this.#branch;
    const begin = fork === undefined ? Infinity : lsnToNumber(fork) - (lsnToNumber(fork) % this.#segmentBytes);
    return fork === undefined ? !hasLog : from <= begin;
  }

  async #write(
    range: Pick<BatchSummary, 'from' | 'to' | 'isAfterGap' | 'breaksWith'>,
    closedAt?: Instant,
  ): Promise<void> {
    const { pool, channel, runId, resourceId } = this.#deps;
    const { systemId, timeline, branchId, history } = this.#branch;
    const known: BatchSummary = {
      ...{ batchId: this.#nextId(), runId, resourceId, systemId, timeline, branchId, history },
      ...{ segmentBytes: this.#segmentBytes, ...range, coveredUntil: this.#coveredUntil(range.to, closedAt) },
      ...{ segments: this.#segments, previousSha256: this.#previous.sha256 },
    };
    const references = await this.#putReferences(known);
    const batch = references === undefined ? known : { ...known, references };
    const sealed = sealBatch(pool, batch);
    await this.#early.settle();
    await pool.store.barrier();
    // Why: segments of a run that was given up may have been collected, and a batch over nothing would pass for log.
    await this.#deps.demandOpen?.();
    reach(this.#deps, 'log.before-batch');
    if ((await pool.store.putIfAbsent(sealed.key, sealed.stored)) === 'exists')
      throw bug(`the id of batch ${batch.batchId} is not new`);
    reach(this.#deps, 'log.after-batch');
    await pool.store.barrier();
    reach(this.#deps, 'log.before-tell');
    this.#previous = previousOf(batch, sealed.storedSha256);
    this.#covers.push(coverOf(batch));
    this.committed.push(batch.batchId);
    await channel.putBatch(batch);
    reach(this.#deps, 'log.after-tell');
  }

  /** Puts which blocks the batch changes; undefined when that is not known. Durable with the next barrier. */
  async #putReferences(batch: BatchName): Promise<ReferencesOfBatch | undefined> {
    const known = this.#references;
    if (known === undefined) return undefined;
    const { pool } = this.#deps;
    const { key, stored, storedSha256 } = sealReferences(pool, batch, known);
    await pool.store.putIfAbsent(key, stored);
    const object = key.slice(branchPrefix(batch.systemId, batch.branchId).length);
    return { object, from: known.from, to: known.to, storedSha256, storedBytes: stored.length };
  }

  #joined(next: ReferencesOfLog | undefined): ReferencesOfLog | undefined {
    if (this.#segments.length === 0 || next === undefined) return next;
    return this.#references === undefined ? undefined : joinReferences(this.#references, next);
  }

  /** Ids order the chain: within one millisecond, and after the clock was put back, they would not by themselves. */
  #nextId(): BatchId {
    const drawn = this.#deps.newId('batch');
    return this.#previous.id === '' ? drawn : idAfter('batch', this.#previous.id, drawn);
  }

  /** Never before what is covered already up to there; without any proof of time in the log, the beginning of time. */
  #coveredUntil(to: Lsn, closedAt: Instant | undefined): Instant {
    return [closedAt, this.#knownUntil].reduce<Instant>(later, this.#coveredBy(to));
  }

  /** By log up to a position. What lies behind it says nothing: there may be a gap between, of which a part was found again. */
  #coveredBy(to: Lsn): Instant {
    const before = this.#covers.filter((cover) => compareLsn(cover.end, to) <= 0);
    return before.reduce<Instant>((known, cover) => later(known, cover.until), beginningOfTime);
  }
}

/** `isBreak`: no log is missing there, but that before it is of another time. */
export interface GapBefore {
  readonly lsn: Lsn;
  readonly isBreak: boolean;
}

interface Cover {
  readonly end: Lsn;
  readonly until: Instant;
}

const coverOf = (batch: BatchSummary): Cover => ({ end: batch.to, until: batch.coveredUntil });
const later = (a: Instant, b: Instant | undefined): Instant => (b !== undefined && b > a ? b : a);

/** What the next batch needs to know of the one before. */
interface Previous {
  readonly id: BatchId | '';
  readonly sha256: string;
  readonly segmentBytes: number;
}

const previousOf = (batch: BatchSummary | undefined, sha256: string): Previous => ({
  id: batch?.batchId ?? '',
  sha256,
  segmentBytes: batch?.segmentBytes ?? 0,
});

const beginningOfTime = instantFromMicros(0);
