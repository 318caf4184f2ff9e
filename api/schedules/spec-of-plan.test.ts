import type { CalendarSpec, ScheduleSpec } from '@temporalio/client';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextRuns } from '#core/plan/next-runs.ts';
import { calendarFrom, calendarOf, plansIn, quarterMs, zonesWithTraps } from '#tests/support/plan-oracle.ts';
import { nameOfSpec, specOfPlan } from './spec-of-plan.ts';

const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000);
const days = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'];
const months = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
];

const holds = (field: unknown, value: number | string): boolean => {
  if (field === undefined) return true;
  if (Array.isArray(field)) return field.some((one) => holds(one, value));
  if (typeof field === 'object' && field !== null && 'start' in field && 'end' in field)
    return Number(field.start) <= Number(value) && Number(value) <= Number(field.end);
  return field === value;
};

/** A time that the clock shows twice: of these the server fires at the first, the second or both, by zone. */
const isShownTwice = (zone: string, index: number): boolean => {
  const calendar = calendarOf(zone);
  const at = calendar[index];
  const near = calendar.slice(Math.max(0, index - 12), index + 13);
  return near.filter(({ date, minute }) => date === at?.date && minute === at.minute).length > 1;
};

/** Whether the server surely fires, as its documentation describes calendars and intervals. */
function fires({ calendars = [], intervals = [], timezone = '' }: ScheduleSpec, ms: number): boolean {
  if (intervals.some(({ every, offset }) => ms % Number(every) === Number(offset))) return true;
  const index = (ms - calendarFrom) / quarterMs;
  if (timezone !== 'UTC' && isShownTwice(timezone, index)) return false;
  const wall = timezone === 'UTC' ? undefined : calendarOf(timezone)[index];
  const at = wall === undefined ? new Date(ms).toISOString() : `${wall.date}T`;
  const minute = wall?.minute ?? Number(at.slice(11, 13)) * 60 + Number(at.slice(14, 16));
  const weekday = days[(new Date(`${at.slice(0, 10)}T12:00:00Z`).getUTCDay() + 6) % 7] ?? '';
  const fits = (calendar: CalendarSpec): boolean =>
    holds(calendar.hour, Math.floor(minute / 60)) &&
    holds(calendar.minute, minute % 60) &&
    holds(calendar.dayOfMonth, Number(at.slice(8, 10))) &&
    holds(calendar.month, months[Number(at.slice(5, 7)) - 1] ?? '') &&
    holds(calendar.year, Number(at.slice(0, 4))) &&
    holds(calendar.dayOfWeek, weekday);
  return calendars.some(fits);
}

const zones = [...zonesWithTraps.slice(0, 1), zonesWithTraps[1 + (seed % (zonesWithTraps.length - 1))] ?? 'UTC'];
test.each(zones)('K-054…K-057 a schedule in %s fires at every time of its plan', (zone) => {
  fc.assert(
    fc.property(plansIn(zone), (plan) => {
      const spec = specOfPlan(plan, calendarFrom);
      const due = nextRuns(plan, calendarFrom + 86_400_000, 800).filter((ms) => ms < calendarFrom + 400 * 86_400_000);
      expect(
        due.filter((ms) => !fires(spec, ms)),
        `HOLDFAST_SEED=${String(seed)}`,
      ).toEqual([]);
    }),
    { numRuns: 8, seed },
  );
});

test('the name of a spec changes with the plan, and the times behind gaps are few', () => {
  const plan = { type: 'daily' as const, zone: 'America/New_York', at: '02:30', everyDays: 1, startDate: '2026-01-01' };
  const spec = specOfPlan(plan, calendarFrom);
  expect(spec.intervals).toHaveLength(3);
  expect(nameOfSpec(spec)).not.toBe(nameOfSpec(specOfPlan({ ...plan, at: '02:31' }, calendarFrom)));
  expect(nameOfSpec(spec)).toBe(nameOfSpec(specOfPlan(plan, calendarFrom + 86_400_000)));
});

test('K-055 a time that the clock shows twice is named, whatever the calendars of the server do with it', () => {
  const plan = { type: 'weekly' as const, zone: 'Europe/London', at: '01:00', everyWeeks: 1, startDate: '2026-01-01' };
  const spec = specOfPlan({ ...plan, weekdays: ['sun'] }, calendarFrom);
  const nights = ['2026-10-25', '2027-10-31', '2028-10-29'].map((day) => Date.parse(`${day}T00:00:00Z`));
  const named = nights.filter((ms) => spec.intervals?.some(({ every, offset }) => ms % Number(every) === offset));
  expect(named).toEqual(nights);
});
