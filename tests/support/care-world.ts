import type { SetSummary, SetType } from '#core/backup/set-summary.ts';
import type { RetentionWorld } from '#core/care/world.ts';
import type { MarkKind, MarkOfSet, Standing } from '#core/care/mark.ts';
import { standingOf } from '#core/care/mark.ts';
import type { RetentionPolicy } from '#core/care/policy.ts';
import type { IdByPrefix, IdPrefix, ResourceId, SetId } from '#core/id.ts';
import { formatId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { instantFromMs } from '#core/instant.ts';
import type { BatchSummary, SegmentOfBatch } from '#core/log/batch-summary.ts';
import { formatLsn } from '#core/wal/lsn.ts';
import { formatSegmentName } from '#core/wal/segment-name.ts';

const bytes = 16 << 20;
const hourMs = 3_600_000;
const beginMs = Date.parse('2026-01-01T00:00:00Z');

/** Branch id of a history text, as distinct as its text. */
const branchIdOf = (history: string): string =>
  Array.from(history)
    .reduce((h, c) => (h * 31 + c.charCodeAt(0)) >>> 0, 7)
    .toString(16)
    .padStart(32, '0');

export interface Branch {
  readonly timeline: number;
  readonly history: string;
  readonly branchId: string;
  readonly fork: number;
}

/** What may happen to a database and its pool. Times are whole hours. */
export type WorldEvent =
  | { readonly kind: 'set'; readonly type: SetType; readonly isConsistent: boolean; readonly isForeign: boolean }
  | { readonly kind: 'log'; readonly segments: number; readonly isGap: boolean }
  | { readonly kind: 'fork'; readonly back: number }
  | { readonly kind: 'pass'; readonly hours: number }
  | { readonly kind: 'mark'; readonly at: number; readonly mark: MarkKind; readonly days: number }
  | { readonly kind: 'damage'; readonly at: number }
  | { readonly kind: 'lose'; readonly at: number };

/** A database that is backed up, in memory: every segment holds one commit, an hour of the clock each. */
export class CareWorld {
  readonly sets: SetSummary[] = [];
  readonly batches: BatchSummary[] = [];
  readonly marks: MarkOfSet[] = [];
  readonly damaged = new Map<SetId, string>();
  readonly own: ResourceId;
  readonly foreign: ResourceId;
  readonly systemId: string;
  branch: Branch = { timeline: 1, history: '', branchId: branchIdOf(''), fork: 0 };
  /** When each segment was written, by branch and number. */
  readonly #writtenAt = new Map<string, Instant>();
  #segment = 1;
  #backedUp = 1;
  #hours = 0;
  #ids = 0;
  readonly #salt: number;

  constructor(systemId = '7300000000000000001', salt = 0) {
    this.systemId = systemId;
    this.#salt = salt;
    this.own = this.#id('res');
    this.foreign = this.#id('res');
  }

  get now(): Instant {
    return instantFromMs(beginMs + this.#hours * hourMs);
  }

  apply(event: WorldEvent): void {
    switch (event.kind) {
      case 'set': {
        this.#takeSet(event);
        return;
      }
      case 'log': {
        this.#backUpLog(event.segments, event.isGap);
        return;
      }
      case 'fork': {
        this.#fork(event.back);
        return;
      }
      case 'pass':
        this.#hours += event.hours;
        return;
      case 'mark': {
        this.#mark(event);
        return;
      }
      case 'damage': {
        this.#pick(event.at, (set) => this.damaged.set(set.setId, 'a piece is short'));
        return;
      }
      case 'lose': {
        this.#pick(event.at, (set) => void this.sets.splice(this.sets.indexOf(set), 1));
        return;
      }
    }
  }

  standings(): ReadonlyMap<SetId, Standing> {
    return new Map(
      this.sets.map(({ setId }) => [setId, standingOf(this.marks.filter((mark) => mark.setId === setId))]),
    );
  }

  world(policy: RetentionPolicy | undefined): RetentionWorld {
    const { sets, batches, damaged, own: resourceId, now } = this;
    return {
      resourceId,
      policy,
      now,
      sets: [...sets],
      batches: [...batches],
      damaged: new Map(damaged),
      standings: this.standings(),
    };
  }

  /** What a plan left, in place. */
  forget(sets: ReadonlySet<string>, batches: ReadonlySet<string>): void {
    this.sets.splice(0, this.sets.length, ...this.sets.filter(({ setId }) => !sets.has(setId)));
    this.batches.splice(0, this.batches.length, ...this.batches.filter(({ batchId }) => !batches.has(batchId)));
  }

  #id<P extends IdPrefix>(prefix: P): IdByPrefix[P] {
    this.#ids += 1;
    const random = new Uint8Array(10).fill(this.#salt);
    // Names are made of the end of an id.
    new DataView(random.buffer).setUint32(6, this.#ids);
    return formatId(prefix, beginMs + this.#ids, random);
  }

  #pick(at: number, act: (set: SetSummary) => unknown): void {
    const set = this.sets[at % Math.max(1, this.sets.length)];
    if (set !== undefined) act(set);
  }

  #mark({ at, mark: kind, days }: Extract<WorldEvent, { kind: 'mark' }>): void {
    this.#pick(at, ({ setId }) => {
      const seq = this.marks.filter((mark) => mark.setId === setId).length + 1;
      const until = days === 0 ? {} : { until: instantFromMs(beginMs + (this.#hours + days * 24) * hourMs) };
      const head = { markId: this.#id('mark'), setId, kind, at: this.now, by: 'test', text: 'because', seq };
      this.marks.push({ ...head, ...(kind === 'pin' ? until : {}), previousSha256: '' });
    });
  }

  /** Each set begins in a segment of its own and ends in the next; the log of both is written by then. */
  #takeSet({ type, isConsistent, isForeign }: Extract<WorldEvent, { kind: 'set' }>): void {
    const resourceId = isForeign ? this.foreign : this.own;
    const base = this.#baseFor(type, resourceId);
    const [begin, end] = [this.#segment, this.#segment + 1];
    const beganAt = this.now;
    this.#write();
    this.#write();
    const { timeline, branchId } = this.branch;
    const lsns = { beginLsn: formatLsn(begin * bytes + 40), endLsn: formatLsn(end * bytes + 256) };
    const link =
      base === undefined
        ? {}
        : {
            base: {
              ...{ setId: base.setId, fullSetId: base.base?.fullSetId ?? base.setId },
              ...{ beginLsn: base.beginLsn, endLsn: base.endLsn, changedPages: 'page-lsn' as const },
              metaSha256: '0'.repeat(64),
            },
          };
    this.sets.push({
      ...{ setId: this.#id('set'), runId: this.#id('run'), attemptId: this.#id('try'), resourceId },
      ...{
        type: base === undefined ? 'full' : type,
        engine: 'postgresql',
        serverVersion: 180004,
        systemId: this.systemId,
      },
      ...{ timeline, branchId, ...lsns, backupEndLsn: lsns.endLsn, ...link },
      beginSegment: formatSegmentName({ timeline, number: begin }, bytes),
      endSegment: formatSegmentName({ timeline, number: end }, bytes),
      ...{ beganAt, endedAt: this.now, isConsistent, hasChecksums: true, pageBytes: 8192, segmentBytes: bytes },
      ...{ tablespaces: [], fileCount: 1, rawBytes: 10, storedBytes: 10, pieceCount: 1, isEncrypted: false },
      ...{ warnings: [], toolVersion: '0.1.0' },
    });
  }

  /** One segment, in one hour. */
  #write(): void {
    this.#hours += 1;
    this.#writtenAt.set(`${this.branch.branchId}/${String(this.#segment)}`, this.now);
    this.#segment += 1;
  }

  #baseFor(type: SetType, resourceId: ResourceId): SetSummary | undefined {
    if (type === 'full') return undefined;
    const onBranch = this.sets.filter((set) => set.branchId === this.branch.branchId && set.resourceId === resourceId);
    return onBranch.filter((set) => type === 'differential' || set.type === 'full').slice(-1)[0];
  }

  /** Writes some segments, an hour each, and backs up all that is not; after a gap the log before is never backed up. */
  #backUpLog(segments: number, isGap: boolean): void {
    if (isGap) this.#backedUp = this.#segment;
    for (let i = 0; i < segments; i++) this.#write();
    const numbers = Array.from({ length: this.#segment - this.#backedUp }, (_, i) => this.#backedUp + i);
    const [first] = numbers;
    const { timeline, branchId, history } = this.branch;
    if (first === undefined) return;
    this.batches.push({
      ...{ batchId: this.#id('batch'), runId: this.#id('run'), resourceId: this.own, systemId: this.systemId },
      ...{ timeline, branchId, history, segmentBytes: bytes, from: formatLsn(first * bytes) },
      ...{ to: formatLsn(this.#segment * bytes), coveredUntil: this.now, previousSha256: '', isAfterGap: isGap },
      segments: numbers.map((number) => this.#segmentOf(number, timeline)),
    });
    this.#backedUp = this.#segment;
  }

  #segmentOf(number: number, timeline: number): SegmentOfBatch {
    const commit = this.#writtenAt.get(`${this.branch.branchId}/${String(number)}`) ?? this.now;
    const name = formatSegmentName({ timeline, number }, bytes);
    return {
      ...{ name, object: name, from: formatLsn(number * bytes), to: formatLsn((number + 1) * bytes) },
      ...{ lastRecord: formatLsn(number * bytes + bytes - 64), rawSha256: '', storedSha256: '', rawBytes: bytes },
      ...{ storedBytes: 1000, firstCommit: commit, lastCommit: commit, maxCommit: commit, restorePoints: [] },
    };
  }

  /** A recovery to a point some segments back opens a new branch there. */
  #fork(back: number): void {
    const fork = Math.max(this.branch.fork + 1, this.#segment - back);
    const timeline = this.branch.timeline + 1;
    const line = `${String(this.branch.timeline)}\t${formatLsn(fork * bytes + 4096)}\ttest\n`;
    const history = this.branch.history + line;
    this.branch = { timeline, history, branchId: branchIdOf(history), fork };
    this.#segment = fork;
    this.#write();
    this.#backedUp = fork;
  }
}
