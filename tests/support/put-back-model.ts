import fc from 'fast-check';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { formatId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { CommittedLog } from '#core/log/branches.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import { formatSegmentName } from '#core/wal/segment-name.ts';
import { sampleBatch, sampleSet } from './samples.ts';
import { testIds } from './catalog.ts';

/** What happens to an instance: the next segment is written; a full that ends in it; a log backup; a state so many segments back. */
export type PutBackStep =
  | { readonly kind: 'write' | 'full' | 'log' }
  /** The file of the segment written last is away from the archive until `find`. */
  | { readonly kind: 'lose' | 'find' }
  | { readonly kind: 'put-back'; readonly by: number };

export const stepsOfPutBacks: fc.Arbitrary<readonly PutBackStep[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<PutBackStep>({ kind: 'write' }) },
    { weight: 3, arbitrary: fc.constantFrom<PutBackStep>({ kind: 'full' }, { kind: 'log' }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }).map((by): PutBackStep => ({ kind: 'put-back', by })) },
  ),
  { maxLength: 24 },
);

const bytes = 16 << 20;
const beginningOfLog = 3;
const at = (segment: number, offset = 0): Lsn => formatLsn(segment * bytes + offset);
export const segmentNumber = (lsn: Lsn): number => Math.floor(lsnToNumber(lsn) / bytes);
const resourceId = testIds('res');

/** Content of segments by number; what one life of the instance wrote, with what it began from. */
type Life = Map<number, string>;

/**
 * An instance that is put back together with its archive, and its log backup: what is of another content than the pool has is refused,
 * and what follows it is recorded as a break (`BatchWriter.cut`, `mend`).
 */
class PutBackWorld {
  readonly lives: [Life, ...Life[]] = [new Map()];
  readonly #archive = new Map<number, string>();
  readonly #pool = new Map<number, string>();
  readonly #sets: SetSummary[] = [];
  readonly #batches: BatchSummary[] = [];
  #lost: readonly [number, string][] = [];
  #next = beginningOfLog;
  #clock = 0;

  play(step: PutBackStep): void {
    this.#clock += 1;
    if (step.kind === 'log') this.#backUpLog();
    else if (step.kind === 'put-back') this.#putBack(step.by);
    else if (step.kind === 'lose') this.#lose();
    else if (step.kind === 'find') for (const [number, content] of this.#lost) this.#archive.set(number, content);
    else this.#write(step.kind === 'full');
  }

  get committed(): CommittedLog {
    return { sets: this.#sets, batches: this.#batches, owner: resourceId };
  }

  get life(): Life {
    return this.lives[this.lives.length - 1] ?? this.lives[0];
  }

  #write(isSet: boolean): void {
    const number = this.#next;
    this.#next += 1;
    const content = `${String(this.lives.length)}:${String(number)}`.padStart(64, '0').replaceAll(':', 'f');
    this.life.set(number, content);
    this.#archive.set(number, content);
    if (isSet) this.#sets.push(setIn(number, content, { n: this.#sets.length, clock: this.#clock }));
  }

  #lose(): void {
    const number = this.#next - 1;
    this.#lost = [[number, this.#archive.get(number) ?? '']];
    this.#archive.delete(number);
  }

  #putBack(by: number): void {
    this.#next = Math.max(beginningOfLog, this.#next - by);
    for (const number of [...this.#archive.keys()]) if (number >= this.#next) this.#archive.delete(number);
    this.lives.push(new Map([...this.life].filter(([number]) => number < this.#next)));
  }

  #backUpLog(): void {
    let refused: number | undefined;
    for (const [number, content] of [...this.#archive].sort(([a], [b]) => a - b)) {
      const known = this.#pool.get(number);
      if (known !== undefined) refused = known === content ? undefined : number;
      else {
        const isBehind = [...this.#pool.keys()].some((each) => each < number);
        const isAfterGap = refused !== undefined || (isBehind && !this.#pool.has(number - 1));
        const breaksWith = refused === number - 1 ? this.#pool.get(refused) : undefined;
        const facts = { n: this.#batches.length, isAfterGap, breaksWith, clock: this.#clock };
        this.#batches.push(batchIn(number, content, facts));
        this.#pool.set(number, content);
        refused = undefined;
      }
    }
  }
}

const idAt = <P extends 'set' | 'batch'>(prefix: P, n: number) => formatId(prefix, 1000 + n, new Uint8Array(10));
const timeAt = (clock: number, half = 0) => instantFromMs(1_700_000_000_000 + clock * 60_000 + half * 30_000);

function setIn(
  number: number,
  content: string,
  { n, clock }: { readonly n: number; readonly clock: number },
): SetSummary {
  const name = formatSegmentName({ timeline: 1, number }, bytes);
  return {
    ...sampleSet(resourceId),
    ...{ setId: idAt('set', n), beginLsn: at(number, 40), endLsn: at(number, 4000), backupEndLsn: at(number, 4000) },
    ...{ beginSegment: name, endSegment: name, endSegmentSha256: content },
    ...{ beganAt: timeAt(clock), endedAt: timeAt(clock, 1) },
  };
}

interface BatchFacts {
  readonly n: number;
  readonly isAfterGap: boolean;
  readonly breaksWith: string | undefined;
  readonly clock: number;
}

function batchIn(number: number, content: string, { n, isAfterGap, breaksWith, clock }: BatchFacts): BatchSummary {
  const sample = sampleBatch(resourceId);
  const name = formatSegmentName({ timeline: 1, number }, bytes);
  const range = { from: at(number), to: at(number + 1) };
  const segments = sample.segments.map((segment) => ({
    ...segment,
    ...{ name, object: name, ...range, rawSha256: content, lastRecord: at(number, bytes - 64) },
  }));
  const broken = breaksWith === undefined ? {} : { breaksWith };
  return {
    ...sample,
    ...range,
    batchId: idAt('batch', n),
    isAfterGap,
    ...broken,
    coveredUntil: timeAt(clock),
    segments,
  };
}

/** What a run of steps left behind. */
export interface PutBackOutcome {
  readonly log: CommittedLog;
  /** Content that the instance now has of a segment. */
  readonly now: (segment: number) => string | undefined;
  /** Whether one life of the instance wrote the end of a set and all these segments. */
  readonly isOfOneTime: (set: SetSummary, segments: readonly (readonly [number, string])[]) => boolean;
}

export function playPutBacks(steps: readonly PutBackStep[]): PutBackOutcome {
  const world = new PutBackWorld();
  for (const step of steps) world.play(step);
  return {
    log: world.committed,
    now: (segment) => world.life.get(segment),
    isOfOneTime: ({ endLsn, endSegmentSha256 }, segments) =>
      world.lives.some(
        (life) =>
          life.get(segmentNumber(endLsn)) === endSegmentSha256 &&
          segments.every(([number, content]) => life.get(number) === content),
      ),
  };
}
