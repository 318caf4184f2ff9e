import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { specOfPlan } from '#api/schedules/spec-of-plan.ts';
import { dateText, dayMs, weekdayOf } from '#core/plan/civil.ts';
import { nextRuns } from '#core/plan/next-runs.ts';
import type { PeriodicPlan } from '#core/plan/plan.ts';
import type { Transition } from '#core/plan/zone.ts';
import { wallOf, zoneOf } from '#core/plan/zone.ts';
import { weekdays } from '#core/run/rate-window.ts';
import { openTemporalClient } from '#wire/connect.ts';
import { testKey } from '#tests/support/orchestra.ts';
import { temporalAddress } from '#tests/support/temporal.ts';

const now = Date.now();
const until = now + 730 * dayMs;

/** The first zone of each set of equal clock changes within two years: the others tell the server the same. */
function zonesThatDiffer(): readonly { readonly zone: string; readonly changes: readonly Transition[] }[] {
  const found = new Map<string, { zone: string; changes: readonly Transition[] }>();
  for (const zone of Intl.supportedValuesOf('timeZone')) {
    const changes = zoneOf(zone).transitions(now + 3 * dayMs, until);
    const key = JSON.stringify(changes);
    if (changes.length > 0 && !found.has(key)) found.set(key, { zone, changes });
  }
  return [...found.values()];
}

const clockText = (second: number): string =>
  [second / 3600, (second % 3600) / 60, second % 60].map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');

/** Plans whose times lie in what a change jumps over or shows twice, at its ends, and over the whole day. */
function plansAround(zone: string, { at, before, after }: Transition): readonly PeriodicPlan[] {
  const begin = at + Math.min(before, after);
  const end = at + Math.max(before, after);
  const { day } = wallOf(zoneOf(zone), at);
  const startDate = dateText(day - 3);
  const clocks = [begin, (begin + end) / 2, end - 1000, end, begin - 1000].map((wall) => {
    const of = Math.floor(wall / dayMs);
    return { text: clockText((wall - of * dayMs) / 1000), weekday: weekdays[weekdayOf(of)] ?? 'mon' };
  });
  // Short: the server tells its next ten times, and begins on the day before.
  const msOfDay = begin - Math.floor(begin / dayMs) * dayMs;
  const opens = Math.max(0, Math.floor(msOfDay / 1000) - 3600);
  const window = { from: clockText(opens), to: clockText(Math.min(86_340, opens + 4 * 3600)) };
  return [
    ...clocks.map(({ text }) => ({ type: 'daily', zone, at: text, everyDays: 1, startDate }) as const),
    ...clocks.map(
      ({ text, weekday }) =>
        ({ type: 'weekly', zone, at: text, everyWeeks: 1, weekdays: [weekday], startDate }) as const,
    ),
    ...[60, 90].map(
      (everyMinutes) => ({ type: 'hourly', zone, ...window, everyMinutes, startDate: dateText(day) }) as const,
    ),
  ];
}

let client: Client;
beforeAll(async () => {
  client = openTemporalClient({ address: await temporalAddress(), namespace: 'default' }, testKey);
});
afterAll(() => client.connection.close());

/** The next ten times at which the server would fire. */
async function timesOfServer(plan: PeriodicPlan): Promise<readonly number[]> {
  const scheduleId = `clock-${randomUUID()}`;
  const made = await client.schedule.create({
    scheduleId,
    spec: specOfPlan(plan, now),
    action: { type: 'startWorkflow', workflowType: 'never', taskQueue: 'never' },
    state: { paused: true },
  });
  const { info } = await made.describe();
  await made.delete();
  return info.nextActionTimes.map((time) => time.getTime());
}

test('K-054…K-056 the server fires for each time of plans around every change of every clock of two years', async () => {
  const wrong: unknown[] = [];
  let compared = 0;
  const plans = zonesThatDiffer().flatMap(({ zone, changes }) =>
    changes.flatMap((change) => plansAround(zone, change)),
  );
  for (const plan of plans) {
    const fired = await timesOfServer(plan);
    const last = fired[fired.length - 1] ?? 0;
    const due = nextRuns(plan, now, 10).filter((ms) => ms <= last);
    const missing = due.filter((ms) => !fired.includes(ms));
    compared += due.length;
    if (missing.length > 0 || due.length === 0) wrong.push({ plan, missing: missing.map((ms) => new Date(ms)) });
  }
  process.stdout.write(`${String(compared)} times compared\n`);
  expect(wrong).toEqual([]);
  expect(compared).toBeGreaterThan(1000);
}, 1_800_000);
