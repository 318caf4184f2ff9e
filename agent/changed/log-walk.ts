import { setImmediate as breathe } from 'node:timers/promises';
import { BlockReferences } from '#core/changed/block-references.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { BatchSummary, ReferencesOfBatch } from '#core/log/batch-summary.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { LogReader } from '#core/wal/read-segment.ts';
import type { SegmentReading } from '#core/wal/segment-reading.ts';
import { formatSegmentName } from '#core/wal/segment-name.ts';
import { getReferences } from '#agent/sets/log-objects.ts';
import type { LogPlace, RouteStep } from './log-places.ts';
import { LogPlaces } from './log-places.ts';
import type { ChangedPagesRequest } from './request.ts';

interface NamedReferences {
  readonly step: RouteStep;
  readonly batch: BatchSummary;
  readonly named: ReferencesOfBatch;
}

/**
 * Goes along log from the begin of a base to the begin of a backup and collects which blocks it changed. `#cover` only
 * moves over records that were seen whole: what it passed has no hole.
 */
export class LogWalk {
  readonly references = new BlockReferences();
  bytesRead = 0;
  readonly notes: string[] = [];
  readonly #request: ChangedPagesRequest;
  readonly #route: readonly RouteStep[];
  readonly #places: LogPlaces;
  readonly #target: number;
  #named: NamedReferences[];
  /** Every record that begins before it is known. */
  #cover: number;
  /** Where the last of them begins: the next one must name it. Undefined when it is not known. */
  #previous: number | undefined;
  /** Number of the segment to read next. */
  #segment: number;
  #reader: LogReader;
  #wasRetried = false;

  constructor(request: ChangedPagesRequest, route: readonly RouteStep[]) {
    this.#request = request;
    this.#route = route;
    this.#places = new LogPlaces(request, route);
    this.#reader = this.#places.newReader();
    this.#target = lsnToNumber(request.now.beginLsn);
    this.#cover = lsnToNumber(request.base.beginLsn);
    this.#segment = this.#segmentOfCover();
    this.#named = route.flatMap((step) =>
      step.committed.batches.flatMap((batch) =>
        batch.references === undefined ? [] : [{ step, batch, named: batch.references }],
      ),
    );
  }

  /** Undefined when everything is known, else where the log has a hole, in words. */
  async run(): Promise<string | undefined> {
    while (this.#cover < this.#target) {
      this.#request.signal.throwIfAborted();
      const known = this.#named.find((each) => this.#isNext(each));
      if (known !== undefined) {
        await this.#takeReferences(known);
        continue;
      }
      const place = this.#places.of(this.#segment, this.#cover);
      if (place !== undefined) {
        await this.#takeSegment(place);
        await breathe();
      } else if (this.#wasRetried) return this.#hole();
      else this.#lookAgain();
    }
    return undefined;
  }

  /** The first log behind a break is read: only its records tell whether it goes on from what is known, as it does in a gap closed since. */
  #isNext({ step, batch, named }: NamedReferences): boolean {
    if (batch.isAfterGap && this.#cover <= lsnToNumber(batch.from)) return false;
    return lsnToNumber(named.from) <= this.#cover && this.#cover < endOnWay(step, named);
  }

  async #takeReferences(known: NamedReferences): Promise<void> {
    const { step, batch, named } = known;
    // Used or not, it is not looked at again: without it the segments are read.
    this.#named = this.#named.filter((each) => each !== known);
    try {
      const { references } = await getReferences(this.#request.pool, batch, named);
      this.references.merge(references);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.notes.push(`${error.message}; the log itself is read instead`);
      return;
    }
    this.bytesRead += named.storedBytes;
    this.#moveTo(endOnWay(step, named), lastRecordOf(known));
  }

  async #takeSegment(place: LogPlace): Promise<void> {
    const reading = await this.#readingOf(place).catch((error: unknown) => {
      if (!isUnreadable(error)) throw error;
      this.notes.push(error.message);
    });
    const isOurs =
      reading !== undefined && this.#isOurs(place, reading) && lsnToNumber(reading.recordsFrom) <= this.#cover;
    if (!isOurs) {
      this.#reject(place);
      return;
    }
    const known = lsnToNumber(reading.recordsTo);
    const isOnWay = known <= place.validTo;
    this.#cover = Math.max(this.#cover, Math.min(known, place.validTo));
    const { lastRecord } = reading;
    if (!isOnWay) this.#previous = undefined;
    else if (lastRecord !== undefined) this.#previous = lsnToNumber(lastRecord);
    if (reading.ending !== 'early' && isOnWay) this.#segment++;
    else if (this.#cover < this.#target) this.#reject(place);
  }

  /**
   * From the first record that is not known, which must name the last one that is: a file of the same name and place may be that of a
   * copy of the server, or of a time that was given up.
   */
  async #readingOf(place: LogPlace): Promise<SegmentReading | undefined> {
    const log = await place.load();
    if (log === undefined) return undefined;
    try {
      const { bytes, need } = log;
      return this.#reader.read(bytes, this.references, { begin: this.#cover, previous: this.#previous, need });
    } finally {
      this.bytesRead += log.bytesRead;
      log.close();
    }
  }

  #isOurs({ timeline }: LogPlace, reading: SegmentReading): boolean {
    const { base, control } = this.#request;
    const { header } = reading;
    const isHere = header.position === this.#segment * control.segmentBytes;
    return isHere && header.systemId === base.systemId && reading.timeline <= timeline;
  }

  /** Another file may have what this one has not. The next reading begins where the known records end. */
  #reject(place: LogPlace): void {
    this.#places.reject(place);
    this.#moveTo(this.#cover, this.#previous);
  }

  /** A segment may have gone from pg_wal into the archive between two looks. */
  #lookAgain(): void {
    this.#wasRetried = true;
    this.#places.lookAgain();
    this.#moveTo(this.#cover, this.#previous);
  }

  #moveTo(position: number, previous: number | undefined): void {
    this.#cover = position;
    this.#previous = previous;
    this.#segment = this.#segmentOfCover();
    this.#reader = this.#places.newReader();
  }

  #segmentOfCover(): number {
    return Math.floor(this.#cover / this.#request.control.segmentBytes);
  }

  #hole(): string {
    const { control, archiveDirectory, pool } = this.#request;
    const timelines = this.#route.filter(({ to }) => lsnToNumber(to) > this.#cover).map(({ timeline }) => timeline);
    const [timeline = this.#request.now.timeline] = timelines;
    const name = formatSegmentName({ timeline, number: this.#segment }, control.segmentBytes);
    const archive = archiveDirectory ?? 'an archive directory (none is known)';
    return `log from ${formatLsn(this.#cover)} (segment ${name}) is neither in pool ${pool.name} nor in ${archive} nor in pg_wal`;
  }
}

/** Of a batch whose references are used to their end; behind a fork it is another branch's. */
function lastRecordOf({ step, batch, named }: NamedReferences): number | undefined {
  const last = batch.segments[batch.segments.length - 1];
  const isWhole = endOnWay(step, named) === lsnToNumber(named.to);
  return last === undefined || !isWhole ? undefined : lsnToNumber(last.lastRecord);
}

/** What lies behind the fork of the next timeline was abandoned. */
const endOnWay = (step: RouteStep, named: ReferencesOfBatch): number =>
  Math.min(lsnToNumber(named.to), lsnToNumber(step.to));

/** Damage, loss, a later format, no permission: the same log may be read from elsewhere. */
const isUnreadable = (error: unknown): error is HoldfastError =>
  error instanceof HoldfastError && (error.class === 'corrupt' || otherPlaceHelps.has(error.code));

const otherPlaceHelps: ReadonlySet<string> = new Set(['pool_format_newer', 'archive_directory_unreadable']);
