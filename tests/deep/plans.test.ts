import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextRuns } from '#core/plan/next-runs.ts';
import { calendarFrom, plansIn, runsByOracle } from '#tests/support/plan-oracle.ts';

const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000);
const end = calendarFrom + 400 * 86_400_000;

test.each(['America/New_York', 'Australia/Lord_Howe', 'Asia/Shanghai'])(
  'K-051…K-057 10 000 rules in %s run when an independent calendar says',
  (zone) => {
    fc.assert(
      fc.property(plansIn(zone), (plan) => {
        const expected = runsByOracle(plan).filter((ms) => ms <= end);
        const found = nextRuns(plan, calendarFrom + 2 * 86_400_000 - 1, expected.length + 1).filter((ms) => ms <= end);
        expect(found, `HOLDFAST_SEED=${String(seed)}`).toEqual(expected);
      }),
      { numRuns: 10_000, seed },
    );
  },
  1_800_000,
);
