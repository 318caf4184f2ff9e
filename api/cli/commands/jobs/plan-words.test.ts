import { expect, test } from 'vitest';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { PlanArgs } from './plan-words.ts';
import { planOfArgs } from './plan-words.ts';

const refusal = (...asked: Parameters<typeof planOfArgs>): unknown => {
  try {
    return planOfArgs(...asked);
  } catch (error) {
    if (error instanceof HoldfastError) return { code: error.code, ...error.params };
    throw error;
  }
};
const zone = 'UTC';
const daily = { type: 'daily', zone, at: '02:00', everyDays: 1 } as const;
const lastFriday = { weeks: ['last' as const], weekdays: ['fri' as const] };
const monthly = { type: 'monthly', zone, at: '02:00', months: [1], on: lastFriday } as const;

test.each<[string, PlanArgs, string, string]>([
  ['a time without a plan', { at: '02:00', zone }, '--at', 'manual'],
  ['weekdays of a daily plan', { plan: 'daily', at: '02:00', weekdays: 'mon', zone }, '--weekdays', 'daily'],
  ['a time of an hourly plan', { plan: 'hourly', every: '1h', at: '02:00', zone }, '--at', 'hourly'],
  ['an interval of a monthly plan', { plan: 'monthly', at: '02:00', days: '1', every: '2' }, '--every', 'monthly'],
  ['a day of a weekly plan', { plan: 'weekly', at: '02:00', weekdays: 'mon', date: '2026-12-01' }, '--date', 'weekly'],
])('K-074 %s is refused, not left out', (_what, args, option, plan) => {
  expect(refusal(args)).toMatchObject({ code: 'plan_part_foreign', option, plan });
});

test('K-074 an edit that the plan has no place for is refused; one of a part leaves the others', () => {
  expect(refusal({ weekdays: 'mon' }, daily)).toMatchObject({ code: 'plan_part_foreign', option: '--weekdays' });
  expect(planOfArgs({ at: '03:00' }, daily)).toEqual({ ...daily, at: '03:00' });
  const sunday = planOfArgs({ weekdays: 'sun' }, { ...monthly, months: [1] });
  expect(sunday).toMatchObject({ on: { weeks: ['last'], weekdays: ['sun'] }, months: [1] });
  expect(planOfArgs({}, daily)).toBeUndefined();
});

test('K-057 days of the month and days of its weeks are never mixed', () => {
  const both: PlanArgs = { plan: 'monthly', at: '02:00', days: '1', weeks: 'last', weekdays: 'fri', zone };
  expect(refusal(both)).toMatchObject({ code: 'value_malformed' });
  expect(refusal({ plan: 'monthly', at: '02:00', weekdays: 'fri', zone })).toMatchObject({
    code: 'plan_part_missing',
    option: '--weeks',
  });
});
