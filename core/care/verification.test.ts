import { describe, expect, test } from 'vitest';
import type { ResourceId } from '../id.ts';
import type { VerifyReport } from '../restore/report.ts';
import { testIds } from '#tests/support/catalog.ts';
import { sampleBatch, sampleSet } from '#tests/support/samples.ts';
import { needsNewFull } from './new-full.ts';
import { newFindings, verdictAfter, verdictAfterScrub, withoutDamage } from './verification.ts';
import type { VerifyDepth } from './verify-depth.ts';
import { isAsDeep, verifyDepths } from './verify-depth.ts';

const sound = (depth?: VerifyDepth): VerifyReport => ({
  ...{ objects: 1, bytes: 1, damage: [] },
  ...(depth === undefined ? {} : { depth }),
});
const damaged = (depth?: VerifyDepth): VerifyReport => ({ ...sound(depth), damage: [{ object: 'a', what: 'b' }] });

describe('what is known after one more look', () => {
  test('damage stays known until a look as deep as the one that found it finds nothing', () => {
    for (const before of verifyDepths)
      for (const now of verifyDepths)
        expect(verdictAfter(damaged(before), sound(now)), `${before}, then ${now}`).toEqual(
          isAsDeep(now, before) ? sound(now) : damaged(before),
        );
  });

  test('new damage is known at once, however deep was looked; reports without a depth are of full looks', () => {
    expect(verdictAfter(sound('page'), damaged('quick'))).toEqual(damaged('quick'));
    expect(verdictAfter(undefined, damaged('quick'))).toEqual(damaged('quick'));
    expect(verdictAfter(damaged(), sound('quick'))).toEqual(damaged());
    expect(verdictAfter(damaged(), sound('full'))).toEqual(sound('full'));
    expect(verdictAfter(damaged('full'), sound())).toEqual(sound());
  });

  test('new damage of a less deep look joins what is known: no shallow look takes that back', () => {
    const gone = { object: 'c', what: 'is gone' };
    const both = verdictAfter(damaged('full'), { ...sound('quick'), damage: [{ object: 'a', what: 'z' }, gone] });
    expect(both).toMatchObject({ depth: 'full', damage: [{ object: 'a', what: 'b' }, gone] });
    expect(verdictAfter(both, sound('quick'))).toEqual(both);
    expect(verdictAfter(both, sound('full'))).toEqual(sound('full'));
    const many = { ...damaged('full'), damageCount: 9 };
    expect(verdictAfter(many, { ...sound('quick'), damage: [gone] })).toMatchObject({ damageCount: 9 });
  });

  test('a scrub takes no damage back, however deep: it may have read another portion', () => {
    for (const depth of verifyDepths) {
      expect(verdictAfterScrub(damaged('quick'), sound(depth))).toEqual(damaged('quick'));
      expect(verdictAfterScrub(sound('page'), damaged(depth))).toEqual(damaged(depth));
      expect(verdictAfterScrub(undefined, sound(depth))).toEqual(sound(depth));
    }
    const other = { ...sound('page'), damage: [{ object: 'c', what: 'd' }] };
    expect(verdictAfterScrub(damaged('full'), other)).toMatchObject({
      depth: 'page',
      damage: [{ object: 'a' }, { object: 'c' }],
    });
  });
});

test('log that is damaged as it was known to be is no news to a scrub that looks again, other damage of its batch is', () => {
  const report = (...objects: readonly string[]) => ({
    ...{ depth: 'full' as const, objects: 3, bytes: 1 },
    damage: objects.map((object) => ({ object, what: 'is cut' })),
  });
  expect(newFindings(undefined, report('a', 'b'))).toMatchObject({ count: 2, first: { object: 'a' } });
  expect(newFindings(undefined, { ...report('a'), damageCount: 9 })).toMatchObject({ count: 9 });
  expect(newFindings(report(), report('a'))).toMatchObject({ count: 1 });
  expect(newFindings(report('a'), report('a'))).toEqual({ count: 0 });
  expect(newFindings(report('a'), report('a', 'b'))).toMatchObject({ count: 1, first: { object: 'b' } });
  expect(newFindings(report('a'), report())).toEqual({ count: 0 });
});

test('K-096 a segment that was found damaged is no part of its batch any more, the others are', () => {
  const batch = sampleBatch(testIds('res'));
  const [segment] = batch.segments;
  const key = `logs/${batch.systemId}/${batch.branchId}/${segment?.object ?? ''}`;
  expect(withoutDamage(batch, new Set([key])).segments).toEqual([]);
  expect(withoutDamage(batch, new Set([`${key}x`, segment?.object ?? '']))).toBe(batch);
});

describe('a new full because of damage', () => {
  const resourceId: ResourceId = testIds('res');
  const set = { ...sampleSet(resourceId), beganAt: sampleSet(resourceId).endedAt };
  const ask = (at: string, unusable: readonly string[] = []) =>
    needsNewFull({
      ...{ resourceId, sets: [set], at: set.endedAt.replace(/^2026/, at) as typeof set.endedAt },
      unusable: new Map(unusable.length === 0 ? [] : [[set.setId, 'damaged']]),
    });

  test('is asked for unless a good full of the same resource was begun after what is damaged', () => {
    expect(ask('2025')).toBe(false);
    expect(ask('2026')).toBe(true);
    expect(ask('2027')).toBe(true);
    expect(ask('2025', [set.setId])).toBe(true);
    expect(needsNewFull({ resourceId: testIds('res'), sets: [set], at: set.endedAt, unusable: new Map() })).toBe(true);
  });
});
