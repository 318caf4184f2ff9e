import { expect, test } from 'vitest';
import type { SetSummary } from '../backup/set-summary.ts';
import { formatId } from '../id.ts';
import type { RunId, SetId } from '../id.ts';
import { testIds } from '#tests/support/catalog.ts';
import { sampleSet } from '#tests/support/samples.ts';
import type { CopyWorld } from './plan-copy.ts';
import { planCopy } from './plan-copy.ts';

const setId = (n: number): SetId => formatId('set', n, new Uint8Array(10));
const run: RunId = formatId('run', 1, new Uint8Array(10));
const sample = sampleSet(testIds('res'));
/** A set of one database, on a base when that is named. */
const setOf = (n: number, base?: number, more: Partial<SetSummary> = {}): SetSummary => {
  const { beginLsn, endLsn } = sample;
  const link = { metaSha256: 'a'.repeat(64), fullSetId: setId(1), beginLsn, endLsn, changedPages: 'log' as const };
  const own = { setId: setId(n), systemId: '42', storedBytes: 10 };
  const built = base === undefined ? {} : { type: 'differential' as const, base: { setId: setId(base), ...link } };
  return { ...sample, ...own, ...built, ...more };
};
const world = (more: Partial<CopyWorld> = {}): CopyWorld => ({
  ...{ from: 'a', to: 'b', sets: [setOf(1), setOf(2, 1), setOf(3, 2), setOf(4)], unusable: new Map() },
  ...{ there: new Set(), unusableThere: new Map(), deletedThere: new Map(), deletingThere: new Map() },
  ...{ systemsWithLog: ['42', '43'], systemsLoggedThere: new Set() },
  ...more,
});
const all = { sets: [], isAll: true, isWithLog: false };
const one = (n: number) => ({ sets: [setId(n)], isAll: false, isWithLog: false });

test('K-005 a named set brings all that it builds on, bases first', () => {
  expect(planCopy(world(), one(3))).toMatchObject({ sets: [1, 2, 3].map(setId), bytesTotal: 30, systems: [] });
});

test('K-005 all sets are those that the target does not have', () => {
  const plan = planCopy(world({ there: new Set([setId(1), setId(4)]) }), all);
  expect(plan).toMatchObject({ sets: [setId(2), setId(3)], bases: [setId(1)] });
});

test('a damaged set and what builds on it are left out with the reason, and refused when they are named', () => {
  const damaged = world({ unusable: new Map([[setId(2), 'it is damaged']]) });
  const plan = planCopy(damaged, all);
  expect(plan.sets).toEqual([setId(1), setId(4)]);
  expect(plan.leftOut.map(({ what }) => what)).toEqual([setId(2), setId(3)]);
  expect(() => planCopy(damaged, one(3))).toThrow(/builds on/);
  expect(() => planCopy(damaged, one(9))).toThrow(/set_/);
});

test('K-005 nothing is put upon a set that is damaged in the target: it is left out with the remedy, and refused when it is named', () => {
  const bad = world({ there: new Set([setId(1), setId(4)]), unusableThere: new Map([[setId(1), 'it is damaged']]) });
  const plan = planCopy(bad, all);
  expect(plan.sets).toEqual([]);
  expect(plan.leftOut.map(({ what }) => what)).toEqual([1, 2, 3].map(setId));
  for (const named of [1, 2]) expect(() => planCopy(bad, one(named))).toThrow(`holdfast set rm ${setId(1)} --pool b`);
  expect(planCopy(bad, one(4)).bases).toEqual([setId(4)]);
});

test('what was deleted from the target, and what builds on it, comes back only when it is named and no run deletes it', () => {
  const expired = world({ deletedThere: new Map([[setId(1), run]]) });
  const plan = planCopy(expired, all);
  expect(plan.sets).toEqual([setId(4)]);
  expect(plan.leftOut).toHaveLength(3);
  expect(planCopy(expired, one(2)).sets).toEqual([1, 2].map(setId));
  const going = world({ deletedThere: new Map([[setId(1), run]]), deletingThere: new Map([[setId(1), run]]) });
  expect(() => planCopy(going, one(2))).toThrow(/being deleted/);
});

test('log goes with all databases, or with those of the named sets, never where a log backup writes itself', () => {
  const withLog = (wish: ReturnType<typeof one>) => planCopy(world(), { ...wish, isWithLog: true }).systems;
  expect(withLog(one(1))).toEqual(['42']);
  expect(withLog({ ...one(1), sets: [] })).toEqual(['42', '43']);
  const own = planCopy(world({ systemsLoggedThere: new Set(['42']) }), { ...all, isWithLog: true });
  expect(own).toMatchObject({ systems: ['43'], leftOut: [{ what: 'log of 42' }] });
});

test('a set without log inside is told of when its log does not go along', () => {
  const bare = world({ sets: [setOf(1, undefined, { isConsistent: false })] });
  expect(planCopy(bare, all).warnings).toMatchObject([{ code: 'copied_without_log' }]);
  expect(planCopy(bare, { ...all, isWithLog: true }).warnings).toEqual([]);
});
