import { join } from 'node:path';
import { engineProfile } from '#core/engine/profiles.ts';
import type { TimelineStep } from '#core/wal/history-file.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import { formatSegmentName } from '#core/wal/segment-name.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import type { CommittedBranch } from '#agent/wal/committed-log.ts';
import { PartlyRead } from './partly-read.ts';
import type { OpenLog } from './partly-read.ts';
import type { ChangedPagesRequest } from './request.ts';

/** One timeline of the way from the base to now, with what the pool has committed of it. */
export interface RouteStep extends TimelineStep {
  readonly branchId: string;
  readonly committed: CommittedBranch;
}

/** Where a segment can be read. */
export interface LogPlace {
  /** Path or object, for rejection. */
  readonly at: string;
  readonly timeline: number;
  /** Byte position up to which log of this timeline counts on the way. */
  readonly validTo: number;
  /** Undefined when it is gone. The caller closes it before the next is loaded. */
  load(): Promise<OpenLog | undefined>;
}

/**
 * Finds the places of segments: for each pg_wal of the running server first, which nobody else writes to, then the pool and the
 * archive directory.
 */
export class LogPlaces {
  readonly #request: ChangedPagesRequest;
  readonly #route: readonly RouteStep[];
  readonly #rejected = new Set<string>();
  readonly #room: PartlyRead;

  constructor(request: ChangedPagesRequest, route: readonly RouteStep[]) {
    this.#request = request;
    this.#route = route;
    this.#room = new PartlyRead(request.control.segmentBytes);
  }

  /** Reads what is loaded, from the begin of a record or of a segment on. */
  newReader(): LogReader {
    return new LogReader(undefined, this.#room.sums);
  }

  /**
   * The best place of a segment that was not rejected; undefined: there is none. Its log is known up to `cover`: when little is left to
   * read, the archive comes before the pool, for an object is opened whole.
   */
  of(number: number, cover: number): LogPlace | undefined {
    const { segmentBytes } = this.#request.control;
    const begin = number * segmentBytes;
    // The newest timeline first: its first segment begins with a copy of its parent's log up to the fork.
    for (const step of [...this.#route].reverse()) {
      const isInside = lsnToNumber(step.from) < begin + segmentBytes && begin < lsnToNumber(step.to);
      const name = formatSegmentName({ timeline: step.timeline, number }, segmentBytes);
      const isLittleLeft = cover - begin > segmentBytes / 2;
      const places = isInside ? this.#placesOf(step, name, isLittleLeft) : [];
      const place = places.find(({ at }) => !this.#rejected.has(at));
      if (place !== undefined) return place;
    }
    return undefined;
  }

  reject({ at }: LogPlace): void {
    this.#rejected.add(at);
  }

  lookAgain(): void {
    this.#rejected.clear();
  }

  #placesOf(step: RouteStep, name: SegmentName, isArchiveFirst: boolean): LogPlace[] {
    const { archiveDirectory, dataDirectory, engine } = this.#request;
    const logDirectory = join(dataDirectory, engineProfile(engine).files.log);
    const own = this.#inFile(step, join(logDirectory, name));
    const archived = archiveDirectory === undefined ? [] : [this.#inFile(step, join(archiveDirectory, name))];
    const objects = this.#inPool(step, name);
    return [own, ...(isArchiveFirst ? [...archived, ...objects] : [...objects, ...archived])];
  }

  #inPool(step: RouteStep, name: SegmentName): LogPlace[] {
    const { pool, base } = this.#request;
    const segment = step.committed.segments.get(name);
    if (segment === undefined) return [];
    const key = keyOfLog({ systemId: base.systemId, branchId: step.branchId, name: segment.object });
    return [
      {
        ...placeOn(step),
        at: key,
        load: async () => this.#room.hold(await getLogSegment(pool, key, segment.rawSha256)),
      },
    ];
  }

  #inFile(step: RouteStep, path: string): LogPlace {
    return { ...placeOn(step), at: path, load: async () => Promise.resolve(this.#room.open(path)) };
  }
}

/** The last step of the way ends where the backup begins, but its log goes on. */
const placeOn = ({ timeline, to }: RouteStep): Pick<LogPlace, 'timeline' | 'validTo'> => ({
  timeline,
  validTo: lsnToNumber(to),
});
