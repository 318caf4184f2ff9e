import { expect, test } from 'vitest';
import { parseInstant } from '#core/instant.ts';
import type { Plan } from '#core/plan/plan.ts';
import { timeOfPlan } from './plan-times.ts';

const daily = (zone: string): Plan => ({ type: 'daily', zone, at: '02:00:00', everyDays: 1, startDate: '2026-01-01' });
const at = parseInstant('2026-10-24T18:30:00Z');

test.each([
  ['Asia/Shanghai', '2026-10-25 02:30:00+08:00'],
  ['Asia/Kolkata', '2026-10-25 00:00:00+05:30'],
  ['America/New_York', '2026-10-24 14:30:00-04:00'],
  ['UTC', '2026-10-24 18:30:00Z'],
])('a time of a plan in %s is %s', (zone, text) => {
  expect(timeOfPlan(at, daily(zone))).toBe(text);
});

test('the hour that comes twice in autumn is told apart by its offset, and no time is a dash', () => {
  const [first, second] = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'].map(parseInstant);
  expect(timeOfPlan(first, daily('Europe/Berlin'))).toBe('2026-10-25 02:30:00+02:00');
  expect(timeOfPlan(second, daily('Europe/Berlin'))).toBe('2026-10-25 02:30:00+01:00');
  expect(timeOfPlan(undefined, daily('Europe/Berlin'))).toBe('-');
  expect(timeOfPlan(at, null)).toBe('2026-10-24 18:30:00Z');
});
