import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { History } from '#tests/support/history-model.ts';
import {
  at,
  batchOf,
  endOffset,
  fullOf,
  histories,
  incrementalOn,
  segmentBytes,
  setIdOf,
} from '#tests/support/history-model.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { SetId } from '#core/id.ts';
import { compareLsn, formatLsn, lsnToNumber, parseLsn } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import type { RestorePlan } from './plan.ts';
import { planRestore } from './plan-restore.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import type { RestoreTarget } from '#core/restore/target.ts';

const plan = ({ sets, batches, unusable }: Omit<History, 'branches'>, changes: Partial<RestoreRequest>): RestorePlan =>
  planRestore({
    log: { sets, batches },
    unusable,
    resourceName: 'orders',
    target: { at: 'latest' },
    place: { kind: 'copy', directory: '/srv/copy' },
    tablespaceMap: {},
    isOpenedAfter: true,
    ...changes,
  });

type Answer = { readonly plan: RestorePlan } | { readonly refusal: HoldfastError };
const answer = (history: History, changes: Partial<RestoreRequest>): Answer => {
  try {
    return { plan: plan(history, changes) };
  } catch (error) {
    if (error instanceof HoldfastError) return { refusal: error };
    throw error;
  }
};

/** The same question answered by hand: is every set down to the full there and sound? */
function isSound(history: History, setId: SetId): boolean {
  const set = history.sets.find((each) => each.setId === setId);
  if (set === undefined || history.unusable.has(setId)) return false;
  return set.base === undefined || isSound(history, set.base.setId);
}

const lsn = fc.integer({ min: 0, max: 16 * segmentBytes }).map(formatLsn);
const borders = fc.integer({ min: 1, max: 16 }).chain((n) => fc.constantFrom(at(n), at(n, endOffset), at(n, 5000)));
const targets: fc.Arbitrary<RestoreTarget> = fc.oneof(
  fc.oneof(lsn, borders).map((each) => ({ at: 'lsn', lsn: each, isInclusive: true }) as const),
  fc.constant({ at: 'latest' } as const),
  fc.constant({ at: 'immediate' } as const),
  fc.integer({ min: 1, max: 8 }).map((n) => ({ at: 'immediate', setId: setIdOf(n) }) as const),
  fc.integer({ min: 1, max: 16 }).map((n) => ({ at: 'name', name: `p${String(n)}` }) as const),
);

const ask = fc.record({ target: targets, timeline: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }) });
const runs = { numRuns: 200 };
const nearPoint = (text: string | undefined): Lsn | undefined => {
  const found = /\(LSN ([0-9A-F/]+)\)/.exec(text ?? '')?.[1];
  return found === undefined ? undefined : parseLsn(found);
};

describe('planning over random branches, gaps, chains and damage', () => {
  test('D-024 D-025 every plan reads a whole sound chain from a full to its set', () => {
    fc.assert(
      fc.property(histories, ask, (history, asked) => {
        const found = answer(history, asked);
        if (!('plan' in found)) return;
        const { chain, setId, fetchBytes } = found.plan;
        const sets = chain.map((each) => history.sets.find((set) => set.setId === each.setId));
        expect(sets[0]?.type).toBe('full');
        expect(chain[chain.length - 1]?.setId).toBe(setId);
        sets.slice(1).forEach((set, i) => {
          expect(set?.base?.setId).toBe(chain[i]?.setId);
        });
        expect(isSound(history, setId)).toBe(true);
        expect(fetchBytes).toBe(chain.length * 500 + found.plan.segments.length * 1000);
      }),
      runs,
    );
  });

  test('K-095 no plan begins from a set that ends behind the target, and its log has no gap', () => {
    fc.assert(
      fc.property(histories, ask, (history, asked) => {
        const found = answer(history, asked);
        if (!('plan' in found)) return;
        const { segments, mustReach } = found.plan;
        const set = setOf(history, found.plan);
        expect(compareLsn(set.endLsn, mustReach)).toBeLessThanOrEqual(0);
        if (asked.target.at === 'lsn') expect(compareLsn(set.endLsn, asked.target.lsn)).toBeLessThanOrEqual(0);
        const numbers = segments.map(
          ({ name }) => parseInt(name.slice(8, 16), 16) * 256 + parseInt(name.slice(16), 16),
        );
        numbers.slice(1).forEach((number, i) => {
          expect(number).toBe((numbers[i] ?? 0) + 1);
        });
        const end = lsnToNumber(set.endLsn);
        const isFed =
          numbers.length === 0 ? mustReach === set.endLsn : (numbers[0] ?? 0) <= Math.ceil(end / segmentBytes);
        expect(isFed).toBe(true);
      }),
      runs,
    );
  });

  test('a plan to an LSN uses the newest set that leads there', () => {
    fc.assert(
      fc.property(histories, fc.oneof(lsn, borders), (history, point) => {
        const target = { at: 'lsn', lsn: point, isInclusive: true } as const;
        const found = answer(history, { target });
        const ways = history.sets
          .filter(({ setId }) => isSound(history, setId) && 'plan' in answer(history, { target, setId }))
          .sort((a, b) => compareLsn(b.endLsn, a.endLsn));
        expect('plan' in found).toBe(ways.length > 0);
        if ('plan' in found) expect(setOf(history, found.plan).endLsn).toBe(ways[0]?.endLsn);
      }),
      runs,
    );
  });

  test('K-096 a refused LSN names the nearest points that can be reached, on its own sides', () => {
    fc.assert(
      fc.property(histories, fc.oneof(lsn, borders), (history, point) => {
        const found = answer(history, { target: { at: 'lsn', lsn: point, isInclusive: true } });
        if (!('refusal' in found)) return;
        const before = nearPoint(found.refusal.params['before']);
        const after = nearPoint(found.refusal.params['after']);
        for (const near of [before, after]) {
          if (near === undefined) continue;
          expect('plan' in answer(history, { target: { at: 'lsn', lsn: near, isInclusive: true } })).toBe(true);
        }
        if (before !== undefined) expect(compareLsn(before, point)).toBeLessThan(0);
        if (after !== undefined) expect(compareLsn(after, point)).toBeGreaterThan(0);
      }),
      runs,
    );
  });

  test('a damaged set never moves `latest` or the newest backup state back in silence', () => {
    fc.assert(
      fc.property(histories, fc.constantFrom('latest' as const, 'immediate' as const), (history, kind) => {
        const target = { at: kind };
        const now = answer(history, { target });
        const before = answer({ ...history, unusable: new Map() }, { target });
        if (!('plan' in now) || !('plan' in before)) return;
        expect(compareLsn(now.plan.mustReach, before.plan.mustReach)).toBeGreaterThanOrEqual(0);
      }),
      runs,
    );
  });
});

const setOf = (history: History, { setId }: RestorePlan): SetSummary => {
  const set = history.sets.find((each) => each.setId === setId);
  if (set === undefined) throw new HoldfastError('set_unknown', { set: setId });
  return set;
};

describe('a chain with a hole', () => {
  const branch = { timeline: 1, branchId: 'one', history: '', from: 1, to: 12 };
  const full = fullOf(branch, 2, 1);
  const middle = incrementalOn(full, fullOf(branch, 4, 2));
  const top = incrementalOn(middle, fullOf(branch, 6, 3));
  const batches = [batchOf(branch, [2, 3, 4, 5, 6, 7, 8])];
  const point = { at: 'lsn', lsn: at(7), isInclusive: true } as const;
  const none = new Map<SetId, string>();
  const codeOf = (ask: () => unknown): unknown => {
    try {
      return ask();
    } catch (error) {
      if (error instanceof HoldfastError) return { code: error.code, ...error.params };
      throw error;
    }
  };

  test('is left out for a set below the hole, and the plan says which sets it reads', () => {
    expect(plan({ sets: [full, middle, top], batches, unusable: none }, { target: point })).toMatchObject({
      setId: top.setId,
      chain: [
        { setId: full.setId, type: 'full' },
        { setId: middle.setId, type: 'cumulative' },
        { setId: top.setId, type: 'differential' },
      ],
      fetchBytes: 3 * 500 + 2 * 1000,
      steps: expect.arrayContaining([expect.stringContaining(`${middle.setId} (cumulative)`)]) as string[],
    });
    expect(plan({ sets: [full, top], batches, unusable: none }, { target: point })).toMatchObject({
      setId: full.setId,
      chain: [{ setId: full.setId }],
    });
  });

  test('is taken as files alone, whatever is left of it, when its damage is accepted', () => {
    const missing = { sets: [full, top], batches, unusable: none };
    const target = { at: 'immediate', setId: top.setId } as const;
    const asked = { target, setId: top.setId, ways: { damageConsent: 'orders', endsAs: 'files' } } as const;
    expect(plan(missing, asked)).toMatchObject({ setId: top.setId, chain: [{ setId: top.setId }], fetchBytes: 500 });
    expect(codeOf(() => plan(missing, { ...asked, ways: { damageConsent: 'orders' } }))).toMatchObject({
      code: 'restore_set_unusable',
    });
  });

  test('is refused with the reason when it is asked for by name', () => {
    const missing = { sets: [full, top], batches, unusable: none };
    expect(codeOf(() => plan(missing, { target: { at: 'immediate', setId: top.setId } }))).toMatchObject({
      code: 'restore_set_unusable',
      setId: top.setId,
      reason: `${middle.setId}, the base of ${top.setId}, is not there`,
    });
    const damaged = { sets: [full, middle, top], batches, unusable: new Map([[full.setId, 'it is quarantined']]) };
    expect(codeOf(() => plan(damaged, { target: point, setId: top.setId }))).toMatchObject({
      code: 'restore_set_unusable',
      reason: `it builds on ${full.setId}: it is quarantined`,
    });
    expect(codeOf(() => plan(damaged, { target: point }))).toMatchObject({ code: 'no_set_usable' });
  });

  test('names the set that alone leads to a point, and the nearest points of the others', () => {
    const gap = [batchOf(branch, [2, 3]), batchOf(branch, [6, 7, 8])];
    const unusable = new Map([[top.setId, 'it is damaged']]);
    expect(codeOf(() => plan({ sets: [full, middle, top], batches: gap, unusable }, { target: point }))).toMatchObject({
      code: 'point_needs_excluded_set',
      setId: top.setId,
      reason: 'it is damaged',
      before: expect.stringContaining(middle.endLsn) as string,
      after: 'none',
    });
    const latest = codeOf(() =>
      plan({ sets: [full, middle, top], batches: gap, unusable }, { target: { at: 'latest' } }),
    );
    expect(latest).toMatchObject({
      code: 'point_needs_excluded_set',
      before: expect.stringContaining(middle.endLsn) as string,
    });
  });
});
