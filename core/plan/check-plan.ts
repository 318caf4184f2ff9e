import { fail } from '../errors/fail.ts';
import { isZone } from '../run/rate-window.ts';
import { dayNumberOf, secondsOfClock } from './civil.ts';
import { nextRuns } from './next-runs.ts';
import type { HourlyPlan, Plan, TimedPlan } from './plan.ts';
import { isTimed } from './plan.ts';

/**
 * Refuses a plan that cannot be kept. Throws `plan_bad` with what is wrong with it, and `plan_over` when its time is over
 * at `nowMs`, or no day of its calendar ever comes (31 February).
 */
export function demandSensible(plan: Plan, nowMs: number): void {
  if (!isTimed(plan)) return;
  const { zone } = plan;
  if (!isZone(zone)) throw fail('plan_bad', { what: `there is no time zone ${zone}` });
  for (const clock of plan.type === 'hourly' ? [plan.from, plan.to] : [plan.at])
    if (secondsOfClock(clock) === undefined)
      throw fail('plan_bad', { what: `${clock} is no time of a day such as 02:00` });
  const date = plan.type === 'once' ? plan.date : plan.startDate;
  if (dayNumberOf(date) === undefined) throw fail('plan_bad', { what: `${date} is no day such as 2026-11-21` });
  if (plan.type === 'hourly') demandWindow(plan);
  demandCounts(plan);
  if (nextRuns(plan, nowMs, 1).length > 0) return;
  throw plan.type === 'once' ? fail('plan_over', { what: `${plan.date} ${plan.at} ${zone}` }) : fail('plan_never', {});
}

function demandWindow({ from, to, everyMinutes }: HourlyPlan): void {
  const [begin = 0, end = 0] = [secondsOfClock(from), secondsOfClock(to)];
  if (end <= begin) throw fail('plan_bad', { what: `its window ends at ${to}, not after its begin at ${from}` });
  if (everyMinutes > 0 && end - begin < everyMinutes * 60)
    throw fail('plan_bad', {
      what: `its window ${from} to ${to} is shorter than the interval of ${String(everyMinutes)} min`,
    });
}

function demandCounts(plan: TimedPlan): void {
  switch (plan.type) {
    case 'once':
      return;
    case 'hourly':
      demandCount(plan.everyMinutes, { most: 1440, what: 'the interval in minutes' });
      return;
    case 'daily':
      demandCount(plan.everyDays, { most: 366, what: 'the interval in days' });
      return;
    case 'weekly':
      demandCount(plan.everyWeeks, { most: 53, what: 'the interval in weeks' });
      demandSome(plan.weekdays, 'weekday');
      return;
    case 'monthly':
      demandSome(plan.months, 'month');
      if ('days' in plan.on) demandSome(plan.on.days, 'day of the month');
      else {
        demandSome(plan.on.weeks, 'week of the month');
        demandSome(plan.on.weekdays, 'weekday');
      }
      return;
  }
}

function demandCount(count: number, { most, what }: { readonly most: number; readonly what: string }): void {
  if (Number.isSafeInteger(count) && count >= 1 && count <= most) return;
  throw fail('plan_bad', { what: `${what} is ${String(count)}, not 1 to ${String(most)}` });
}

function demandSome(list: readonly unknown[], what: string): void {
  if (list.length === 0) throw fail('plan_bad', { what: `it names no ${what}` });
}
