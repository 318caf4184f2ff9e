import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergedSummary } from '../backup/merged-summary.ts';
import type { SetSummary } from '../backup/set-summary.ts';
import { formatId } from '../id.ts';
import { microsOfInstant } from '../instant.ts';
import { locate } from '../log/coverage.ts';
import { formatLsn, lsnToNumber } from '../wal/lsn.ts';
import type { WorldEvent } from '#tests/support/care-world.ts';
import { CareWorld } from '#tests/support/care-world.ts';
import { isPinned, unmarked } from './mark.ts';
import type { RetentionPolicy } from './policy.ts';
import { decideRetention } from './retention.ts';
import type { Verdicts } from './retention-plan.ts';
import { deletionsOf } from './same-world.ts';

const full: WorldEvent = { kind: 'set', type: 'full', isConsistent: true, isForeign: false };
const incremental: WorldEvent = { kind: 'set', type: 'differential', isConsistent: true, isForeign: false };
const cumulative: WorldEvent = { kind: 'set', type: 'cumulative', isConsistent: true, isForeign: false };
const log = (segments: number): WorldEvent => ({ kind: 'log', segments, isGap: false });
const days = (n: number): WorldEvent => ({ kind: 'pass', hours: n * 24 });
const after = (...events: readonly WorldEvent[]): CareWorld => {
  const world = new CareWorld();
  for (const event of events) world.apply(event);
  return world;
};
const fulls = (count: number, more: Partial<RetentionPolicy> = {}): RetentionPolicy => ({
  rule: { kind: 'fulls', count },
  minimumFulls: 1,
  ...more,
});
const windowOf = (n: number): RetentionPolicy => ({ rule: { kind: 'window', days: n }, minimumFulls: 1 });
const gone = (world: CareWorld, verdicts: Verdicts): readonly number[] => {
  const deleted = new Set<string>(deletionsOf(verdicts).sets);
  return world.sets.flatMap(({ setId }, i) => (deleted.has(setId) ? [i] : []));
};
const decide = (world: CareWorld, policy: RetentionPolicy | undefined): Verdicts =>
  decideRetention(world.world(policy));
const reasons = (world: CareWorld, verdicts: Verdicts, i: number): readonly string[] =>
  verdicts.sets.find(({ setId }) => setId === world.sets[i]?.setId)?.reasons.map(({ code }) => code) ?? [];

test('without a policy everything is kept, and says so', () => {
  const world = after(full, log(2), days(400), full);
  const verdicts = decide(world, undefined);
  expect(deletionsOf(verdicts)).toEqual({ sets: [], batches: [] });
  expect(reasons(world, verdicts, 0)).toEqual(['no-policy']);
});

test('the last N fulls stay with all that builds on them; older chains and the log before them go', () => {
  const world = after(full, log(3), incremental, log(3), full, log(3), incremental, cumulative, log(2));
  const verdicts = decide(world, fulls(1));
  expect(gone(world, verdicts)).toEqual([0, 1]);
  expect(deletionsOf(verdicts).batches).toEqual(world.batches.slice(0, 2).map(({ batchId }) => batchId));
  expect(gone(world, decide(world, fulls(2)))).toEqual([]);
});

test('a merged full counts, and what it was made of goes once nothing that stays builds on it', () => {
  const world = after(full, log(3), incremental, log(3));
  const [, top] = world.sets;
  if (top === undefined) return expect.fail('there is no incremental');
  const at = microsOfInstant(top.endedAt) / 1000 + 1;
  const ids = { setId: formatId('set', at, new Uint8Array(10)), attemptId: top.attemptId, runId: top.runId };
  world.sets.push(mergedSummary(top, { ...ids, metaSha256: '', toolVersion: '0' }));
  expect(gone(world, decide(world, fulls(1)))).toEqual([0, 1]);
  expect(reasons(world, decide(world, fulls(1)), 2)).toEqual(['newest-good', 'minimum', 'by-rule']);
  expect(gone(world, decide(world, fulls(2)))).toEqual([]);
});

test('a window keeps the newest set before its begin, its base, and every point since', () => {
  const world = after(
    full,
    log(5),
    days(2),
    incremental,
    log(5),
    days(2),
    incremental,
    log(5),
    days(3),
    full,
    log(5),
    days(1),
  );
  const verdicts = decide(world, windowOf(5));
  expect(gone(world, verdicts)).toEqual([]);
  expect(reasons(world, verdicts, 0)).toContain('base-of');
  const later = decide(world, windowOf(1));
  expect(gone(world, later)).toEqual([0, 1, 2]);
  expect(deletionsOf(later).batches.length).toBeGreaterThan(0);
});

test('generations keep one full per period in the zone of the policy, and incrementals on those of the days only', () => {
  const world = new CareWorld();
  for (let day = 0; day < 60; day++)
    for (const event of [full, log(1), incremental, { kind: 'pass', hours: 21 } as const]) world.apply(event);
  const rule = { kind: 'generations', daily: 3, weekly: 2, monthly: 2, yearly: 1, zone: 'Asia/Shanghai' } as const;
  const verdicts = decide(world, { rule, minimumFulls: 1 });
  const kept = verdicts.sets.filter(({ isDeleted }) => !isDeleted);
  expect(kept.filter(({ type }) => type !== 'full')).toHaveLength(3);
  const names = kept
    .flatMap((set) => set.reasons)
    .filter(({ code }) => code === 'generation')
    .map(({ detail }) => detail);
  expect(names.filter((name) => name.startsWith('daily'))).toHaveLength(3);
  expect(names.filter((name) => name.startsWith('weekly'))).toHaveLength(2);
  expect(names.filter((name) => name.startsWith('monthly')).sort()).toEqual(['monthly 2026-02', 'monthly 2026-03']);
  expect(names.filter((name) => name.startsWith('yearly'))).toEqual(['yearly 2026']);
});

test('a set under legal hold and a pinned one stay while the hold or the pin lasts, whatever the policy says', () => {
  const mark = (at: number, kind: 'hold' | 'release' | 'pin', n = 0): WorldEvent => ({
    kind: 'mark',
    at,
    mark: kind,
    days: n,
  });
  const world = after(full, full, full, days(1), mark(0, 'hold'), mark(1, 'pin', 5));
  expect(gone(world, decide(world, fulls(1)))).toEqual([]);
  world.apply(days(6));
  expect(gone(world, decide(world, fulls(1)))).toEqual([1]);
  world.apply(mark(0, 'release'));
  expect(gone(world, decide(world, fulls(1)))).toEqual([0, 1]);
});

test('damaged and quarantined sets do not count, and older good ones stop expiring until a newer good full is there', () => {
  const world = after(full, full, full, { kind: 'damage', at: 2 });
  const stopped = decide(world, fulls(1));
  expect(gone(world, stopped)).toEqual([]);
  expect(reasons(world, stopped, 0)).toContain('damage-stops-expiry');
  world.apply(full);
  expect(gone(world, decide(world, fulls(1)))).toEqual([0, 1, 2]);
  world.apply({ kind: 'mark', at: 3, mark: 'quarantine', days: 0 });
  expect(gone(world, decide(world, fulls(1)))).toEqual([]);
});

test('a clock that was put back makes no newer set older: what the log says is newest stays', () => {
  const world = after(full, log(3), days(3), full, log(3), days(-9), full, log(2), incremental);
  const verdicts = decide(world, fulls(1));
  expect(gone(world, verdicts)).toEqual([0, 1]);
  expect(reasons(world, verdicts, 3)).toContain('newest-good');
  expect(gone(world, decide(world, windowOf(5)))).not.toContain(2);
});

test('an instance that was put back keeps the fulls of its present: those of the time that was given up are the older ones', () => {
  const world = after(full, log(3), full, log(3), full, days(2));
  const present = (n: number): void => {
    const ended = microsOfInstant(world.now) / 1000;
    const [first] = world.sets;
    if (first === undefined) return expect.fail('there is no full');
    const setId = formatId('set', ended, new Uint8Array(10).fill(n));
    const endLsn = formatLsn(lsnToNumber(first.endLsn) + n);
    const made = { setId, endLsn, endSegmentSha256: '0'.repeat(64), beganAt: world.now, endedAt: world.now };
    world.sets.push({ ...first, ...made });
    world.apply(days(1));
  };
  present(1);
  expect(gone(world, decide(world, fulls(1)))).toEqual([0, 1, 2]);
  present(2);
  expect(gone(world, decide(world, fulls(2)))).toEqual([0, 1, 2]);
  expect(reasons(world, decide(world, fulls(2)), 4)).toContain('newest-good');
});

test('sets and log of another resource of the same database are never deleted by this one', () => {
  const foreign: WorldEvent = { ...full, isForeign: true };
  const world = after(foreign, log(4), full, log(4), full, log(4), full);
  const verdicts = decide(world, fulls(1));
  expect(gone(world, verdicts)).toEqual([1, 2]);
  expect(deletionsOf(verdicts).batches).toEqual([]);
});

test('after a recovery to the past, the newest good set of the new branch stays until it has a full of its own', () => {
  const world = after(full, log(5), full, log(5), { kind: 'fork', back: 8 }, log(3));
  expect(gone(world, decide(world, fulls(1)))).toEqual([]);
  world.apply(full);
  world.apply(log(2));
  expect(gone(world, decide(world, fulls(1)))).toEqual([0, 1]);
});

const setArb = {
  kind: fc.constant('set' as const),
  type: fc.constantFrom('full' as const, 'differential' as const, 'cumulative' as const),
};
const logArb = { kind: fc.constant('log' as const), segments: fc.integer({ min: 1, max: 6 }) };
const seldom = (n: number): fc.Arbitrary<boolean> => fc.integer({ min: 0, max: n }).map((x) => x === 0);
const markArb = fc.constantFrom('pin', 'hold', 'release', 'unpin', 'quarantine', 'unquarantine' as const);

const eventArb: fc.Arbitrary<WorldEvent> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ ...setArb, isConsistent: fc.boolean(), isForeign: seldom(9) }) },
  { weight: 5, arbitrary: fc.record({ ...logArb, segments: fc.nat(6), isGap: seldom(7) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fork' as const), back: fc.nat(12) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), hours: fc.integer({ min: 1, max: 100 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('mark' as const), at: fc.nat(20), mark: markArb, days: fc.nat(9) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('damage' as const, 'lose' as const), at: fc.nat(20) }) },
);
const policyArb: fc.Arbitrary<RetentionPolicy> = fc.record({
  rule: fc.oneof(
    fc.record({ kind: fc.constant('fulls' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('window' as const), days: fc.integer({ min: 1, max: 15 }) }),
    fc.record({
      kind: fc.constant('generations' as const),
      daily: fc.nat(4),
      weekly: fc.nat(3),
      monthly: fc.nat(3),
      yearly: fc.integer({ min: 1, max: 2 }),
      zone: fc.constantFrom('UTC', 'Asia/Shanghai', 'America/New_York'),
    }),
  ),
  minimumFulls: fc.integer({ min: 1, max: 3 }),
});

/** Which of the sets may count, found the slow way: walk every chain by hand. */
function countable(world: CareWorld): readonly SetSummary[] {
  const standings = world.standings();
  const isSound = (set: SetSummary): boolean => {
    if (world.damaged.has(set.setId) || standings.get(set.setId)?.isQuarantined === true) return false;
    if (set.base === undefined) return true;
    const base = world.sets.find(({ setId }) => setId === set.base?.setId);
    return base !== undefined && isSound(base);
  };
  const isReachable = (set: SetSummary): boolean =>
    locate({ sets: [set], batches: world.batches }, { at: 'immediate', setId: set.setId }).isReachable;
  return world.sets.filter((set) => set.resourceId === world.own && isSound(set) && isReachable(set));
}

/** Every point that a person can ask for: the end of each segment on each branch and the end of each set. */
function reachable(world: CareWorld): ReadonlyMap<string, number> {
  const sets = countable(world);
  const found = new Map<string, number>();
  for (const branchId of new Set([...world.sets, ...world.batches].map((one) => one.branchId))) {
    for (const segment of world.batches
      .filter((batch) => batch.branchId === branchId)
      .flatMap((batch) => batch.segments)) {
      const target = { at: 'lsn', lsn: segment.lastRecord, isInclusive: true } as const;
      const at = segment.maxCommit === undefined ? 0 : microsOfInstant(segment.maxCommit);
      if (locate({ sets, batches: world.batches }, target, branchId).isReachable)
        found.set(`${branchId} ${segment.name}`, at);
    }
  }
  return found;
}

const copyOf = (events: readonly WorldEvent[]): CareWorld => after(...events);

interface Applied {
  readonly policy: RetentionPolicy;
  readonly before: CareWorld;
  readonly left: CareWorld;
  readonly deleted: readonly string[];
  readonly good: readonly SetSummary[];
}

/** Bases of what stays stay, and what builds on others goes before them. */
function demandBases({ before, left, deleted }: Applied): void {
  const known = new Map(before.sets.map((set) => [set.setId as string, set]));
  const going = new Set(deleted);
  for (const { base } of left.sets) expect(base !== undefined && going.has(base.setId)).toBe(false);
  deleted.forEach((id, i) => {
    expect(deleted.slice(0, i)).not.toContain(known.get(id)?.base?.setId);
  });
}

/** What is held, pinned or quarantined stays, and so does what belongs to somebody else. */
function demandProtected({ before, deleted }: Applied): void {
  const standings = before.standings();
  const isProtected = ({ setId, resourceId }: SetSummary): boolean => {
    const standing = standings.get(setId) ?? unmarked;
    const isMarked = standing.isHeld || standing.isQuarantined || isPinned(standing, before.now);
    return isMarked || resourceId !== before.own;
  };
  for (const set of before.sets.filter(isProtected)) expect(deleted).not.toContain(set.setId);
}

/** The newest good set stays, a good full stays, and every good set that stays is as good as before. */
function demandGood({ left, deleted, good }: Applied): void {
  const going = new Set(deleted);
  const [newest] = [...good].sort((a, b) => (a.endedAt < b.endedAt ? 1 : -1));
  expect(newest !== undefined && going.has(newest.setId)).toBe(false);
  const goodFulls = good.filter(({ type }) => type === 'full');
  const stay = goodFulls.filter(({ setId }) => !going.has(setId));
  expect(stay.length).toBeGreaterThanOrEqual(Math.min(1, goodFulls.length));
  const goodAfter = countable(left).map(({ setId }) => setId);
  for (const { setId } of good) if (!going.has(setId)) expect(goodAfter).toContain(setId);
}

function demandPoints({ before, left, policy, good }: Applied): void {
  const after = reachable(left);
  const from = promisedFrom(before, policy, good);
  for (const [point, at] of reachable(before))
    if (at >= from) expect(after.has(point), `${point} is reachable`).toBe(true);
}

test('whatever happened: promised points stay reachable, bases, newest good sets and marked sets stay, and a second look deletes nothing', () => {
  fc.assert(
    fc.property(fc.array(eventArb, { minLength: 3, maxLength: 30 }), policyArb, (events, policy) => {
      const [before, left] = [copyOf(events), copyOf(events)];
      const { sets, batches } = deletionsOf(decide(before, policy));
      left.forget(new Set<string>(sets), new Set<string>(batches));
      const applied = { policy, before, left, deleted: sets, good: countable(before) };
      demandBases(applied);
      demandProtected(applied);
      demandGood(applied);
      demandPoints(applied);
      expect(deletionsOf(decide(left, policy))).toEqual({ sets: [], batches: [] });
    }),
    { numRuns: 400 },
  );
});

/** From when on every point that was reachable must be: the begin of the window, or the end of the Nth newest good full. */
function promisedFrom(world: CareWorld, { rule }: RetentionPolicy, good: readonly SetSummary[]): number {
  if (rule.kind === 'window') return microsOfInstant(world.now) - rule.days * 86_400_000_000;
  const ends = good
    .filter(({ type }) => type === 'full')
    .map(({ endedAt }) => microsOfInstant(endedAt))
    .sort((a, b) => b - a);
  if (rule.kind === 'fulls') return ends[rule.count - 1] ?? 0;
  return ends[0] ?? Infinity;
}

/** By hand: the last `n` fulls by time and all after them. */
function staysByCount(sets: readonly SetSummary[], n: number): ReadonlySet<number> {
  const order = byTime(sets);
  const fullsByTime = order.filter((i) => sets[i]?.type === 'full');
  const first = fullsByTime[fullsByTime.length - n] ?? fullsByTime[0] ?? 0;
  return withBases(sets, order.slice(order.indexOf(first)));
}

/** By hand: all of the last `n` days, the one before, and the newest full. */
function staysByWindow({ sets, batches, now }: CareWorld, n: number): ReadonlySet<number> {
  const begin = microsOfInstant(now) - n * 86_400_000_000;
  const order = byTime(sets);
  const isInside = (i: number): boolean => microsOfInstant(sets[i]?.endedAt ?? now) > begin;
  const older = order.filter((i) => !isInside(i)).slice(-1);
  const last = [...sets.map(({ endedAt }) => endedAt), ...batches.map(({ coveredUntil }) => coveredUntil)]
    .sort()
    .slice(-1);
  const wasWritten = last.some((at) => microsOfInstant(at) >= begin);
  const newestFull = order.filter((i) => sets[i]?.type === 'full').slice(-1);
  return withBases(sets, [...order.filter(isInside), ...(wasWritten ? older : order.slice(-1)), ...newestFull]);
}

const byTime = (sets: readonly SetSummary[]): number[] =>
  sets.map((_set, i) => i).sort((a, b) => ((sets[a]?.endedAt ?? '') < (sets[b]?.endedAt ?? '') ? -1 : 1));

function withBases(sets: readonly SetSummary[], wanted: readonly number[]): ReadonlySet<number> {
  const stays = new Set<number>();
  const need = (i: number): void => {
    stays.add(i);
    const base = sets.findIndex(({ setId }) => setId === sets[i]?.base?.setId);
    if (base >= 0) need(base);
  };
  wanted.forEach(need);
  return stays;
}

test('on one branch, with nothing damaged and nothing marked, exactly the sets go that a calculation by hand names', () => {
  const plain = fc.oneof(
    fc.record({ ...setArb, isConsistent: fc.constant(true), isForeign: fc.constant(false) }),
    fc.record({ ...logArb, isGap: fc.constant(false) }),
    fc.record({ kind: fc.constant('pass' as const), hours: fc.integer({ min: 1, max: 60 }) }),
  );
  fc.assert(
    fc.property(fc.array(plain, { minLength: 3, maxLength: 30 }), fc.integer({ min: 1, max: 4 }), (events, n) => {
      const world = copyOf(events);
      const expected = (stays: ReadonlySet<number>): number[] =>
        world.sets.map((_set, i) => i).filter((i) => !stays.has(i));
      expect(gone(world, decide(world, fulls(n)))).toEqual(expected(staysByCount(world.sets, n)));
      expect(gone(world, decide(world, windowOf(n)))).toEqual(expected(staysByWindow(world, n)));
    }),
    { numRuns: 300 },
  );
});
