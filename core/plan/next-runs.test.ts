import fc from 'fast-check';
import { expect, test } from 'vitest';
import { calendarFrom, plansIn, runsByOracle, zonesWithTraps } from '#tests/support/plan-oracle.ts';
import { HoldfastError } from '../errors/holdfast-error.ts';
import { demandSensible } from './check-plan.ts';
import { isRunTime, lastRunUpTo, nextRuns } from './next-runs.ts';
import type { Plan } from './plan.ts';

const iso = (plan: Plan, from: string, count: number): string[] =>
  nextRuns(plan, Date.parse(from), count).map((ms) => new Date(ms).toISOString().replace('.000Z', 'Z'));
const newYork = 'America/New_York';
const daily = (at: string, more = {}): Plan => ({
  type: 'daily',
  zone: newYork,
  at,
  everyDays: 1,
  startDate: '2026-01-01',
  ...more,
});
/** What failed is looked at again with the seed that it prints: HOLDFAST_SEED=… */
const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000);
/** Those with the traps, and one more in turn; all of them with 10 000 rules each: tests/deep/plans.test.ts. */
const zones = [...zonesWithTraps.slice(0, 3), zonesWithTraps[3 + (seed % (zonesWithTraps.length - 3))] ?? 'UTC'];

test.each(zones)('K-051…K-057 the runs of any plan in %s are those that an independent calendar finds', (zone) => {
  const end = calendarFrom + 400 * 86_400_000;
  fc.assert(
    fc.property(plansIn(zone), (plan) => {
      const expected = runsByOracle(plan).filter((ms) => ms <= end);
      const found = nextRuns(plan, calendarFrom + 2 * 86_400_000 - 1, expected.length + 1).filter((ms) => ms <= end);
      expect(found, `HOLDFAST_SEED=${String(seed)}`).toEqual(expected);
      for (const ms of expected.slice(0, 3)) {
        expect(isRunTime(plan, ms)).toBe(true);
        expect(isRunTime(plan, ms + 60_000)).toBe(expected.includes(ms + 60_000));
        expect(lastRunUpTo(plan, ms + 1000, ms - 1)).toBe(ms);
      }
    }),
    { numRuns: 40, seed },
  );
});

test('K-055 a time that the clock jumps over runs at the first moment behind the gap, one that comes twice once', () => {
  expect(iso(daily('02:30'), '2027-03-13T12:00:00Z', 2)).toEqual(['2027-03-14T07:00:00Z', '2027-03-15T06:30:00Z']);
  expect(iso(daily('01:30'), '2026-10-31T12:00:00Z', 2)).toEqual(['2026-11-01T05:30:00Z', '2026-11-02T06:30:00Z']);
});

test('K-054 an hourly plan counts real time: 23 runs on a day of 23 hours and 25 on one of 25', () => {
  const hourly: Plan = {
    type: 'hourly',
    zone: newYork,
    from: '00:00',
    to: '23:59',
    everyMinutes: 60,
    startDate: '2026-01-01',
  };
  const runsOf = (day: string, hours: number) =>
    iso(hourly, day, 30).filter((text) => Date.parse(text) <= Date.parse(day) + hours * 3_600_000).length;
  expect(runsOf('2027-03-14T04:59:59Z', 23)).toBe(23);
  expect(runsOf('2026-11-01T03:59:59Z', 25)).toBe(25);
  const window: Plan = { ...hourly, from: '08:00', to: '20:00', everyMinutes: 240 };
  expect(iso(window, '2026-06-01T10:00:00Z', 5)).toEqual([
    '2026-06-01T12:00:00Z',
    '2026-06-01T16:00:00Z',
    '2026-06-01T20:00:00Z',
    '2026-06-02T00:00:00Z',
    '2026-06-02T12:00:00Z',
  ]);
});

test('K-054 a window whose end comes twice is left in between and entered again', () => {
  const window = { from: '00:30', to: '01:00', everyMinutes: 15, startDate: '2026-11-01' };
  const plan: Plan = { type: 'hourly', zone: newYork, ...window };
  const night = iso(plan, '2026-10-31T12:00:00Z', 4).map((text) => text.slice(11, 16));
  expect(night).toEqual(['04:30', '04:45', '05:00', '06:00']);
});

test('K-054 a window that lies in a gap at midnight runs once behind it', () => {
  const window = { from: '00:00', to: '00:15', everyMinutes: 15, startDate: '2026-01-01' };
  const plan = { type: 'hourly' as const, zone: 'America/Havana', ...window };
  const from = '2026-03-07T12:00:00Z';
  expect(iso(plan, from, 3)).toEqual(['2026-03-08T05:00:00Z', '2026-03-09T04:00:00Z', '2026-03-09T04:15:00Z']);
  const found = runsByOracle(plan).filter((ms) => ms > Date.parse(from));
  expect(found).toEqual(nextRuns(plan, Date.parse(from), found.length));
});

test('K-057 the 31st passes over short months, the last day is in every month, a leap day comes after years', () => {
  const monthly = { type: 'monthly' as const, zone: 'UTC', at: '02:00', startDate: '2026-01-01' };
  const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  const days = (on: Plan & { type: 'monthly' }, count: number) =>
    iso(on, '2026-01-31T12:00:00Z', count).map((text) => text.slice(0, 10));
  expect(days({ ...monthly, months: all, on: { days: [31] } }, 3)).toEqual(['2026-03-31', '2026-05-31', '2026-07-31']);
  expect(days({ ...monthly, months: all, on: { days: ['last'] } }, 2)).toEqual(['2026-02-28', '2026-03-31']);
  expect(days({ ...monthly, months: [2], on: { days: [29] } }, 2)).toEqual(['2028-02-29', '2032-02-29']);
  expect(days({ ...monthly, months: [2], on: { weeks: [5], weekdays: ['sun'] } }, 1)).toEqual(['2032-02-29']);
  expect(days({ ...monthly, months: all, on: { weeks: ['last'], weekdays: ['fri'] } }, 2)).toEqual([
    '2026-02-27',
    '2026-03-27',
  ]);
});

const nowMs = Date.parse('2026-11-21T12:00:00Z');
const hourly = {
  type: 'hourly' as const,
  zone: 'UTC',
  from: '08:00',
  to: '20:00',
  everyMinutes: 60,
  startDate: '2026-01-01',
};
const bad: readonly [string, string, Plan][] = [
  ['an unknown zone', 'plan_bad', daily('02:00', { zone: 'Asia/Shangri-La' })],
  ['an hour 24', 'plan_bad', daily('24:00')],
  ['an interval of 0 days', 'plan_bad', daily('02:00', { everyDays: 0 })],
  ['a start on 30 February', 'plan_bad', daily('02:00', { startDate: '2026-02-30' })],
  ['a window that ends before its begin', 'plan_bad', { ...hourly, to: '07:00' }],
  ['a window shorter than the interval', 'plan_bad', { ...hourly, to: '08:30' }],
  ['an interval of 0 minutes', 'plan_bad', { ...hourly, everyMinutes: 0 }],
  [
    'no weekday',
    'plan_bad',
    { type: 'weekly', zone: 'UTC', at: '02:00', everyWeeks: 1, weekdays: [], startDate: '2026-01-01' },
  ],
  [
    '31 February alone',
    'plan_never',
    { type: 'monthly', zone: 'UTC', at: '02:00', months: [2], on: { days: [30, 31] }, startDate: '2026-01-01' },
  ],
  ['one time that is over', 'plan_over', { type: 'once', zone: 'UTC', date: '2026-11-20', at: '02:00' }],
];
test.each(bad)('K-074 a plan with %s is refused', (_what, code, plan) => {
  let refusal: unknown;
  try {
    demandSensible(plan, nowMs);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(HoldfastError);
  expect((refusal as HoldfastError).code).toBe(code);
});

test('K-004 a plan that starts in the future, and those without a clock, are fine', () => {
  demandSensible(daily('02:00', { startDate: '2031-01-01' }), nowMs);
  for (const type of ['immediate', 'manual'] as const) {
    demandSensible({ type }, nowMs);
    expect(nextRuns({ type }, nowMs, 10)).toEqual([]);
  }
});
