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
  if (!isZone(zone))
    throw fail('plan_bad', { part: 'zone', what: `there is no time zone ${zone}, an IANA name such as Asia/Shanghai` });
  const isHourly = plan.type === 'hourly';
  for (const clock of isHourly ? [plan.from, plan.to] : [plan.at])
    if (secondsOfClock(clock) === undefined)
      throw fail('plan_bad', { part: isHourly ? 'from' : 'at', what: `${clock} is no time of a day such as 02:00` });
  demandDay(plan);
  if (plan.type === 'hourly') demandWindow(plan);
  demandCounts(plan);
  if (nextRuns(plan, nowMs, 1).length > 0) return;
  throw plan.type === 'once' ? fail('plan_over', { what: `${plan.date} ${plan.at} ${zone}` }) : fail('plan_never', {});
}

function demandDay(plan: TimedPlan): void {
  const isOnce = plan.type === 'once';
  const date = isOnce ? plan.date : plan.startDate;
  if (dayNumberOf(date) !== undefined) return;
  throw fail('plan_bad', { part: isOnce ? 'date' : 'startDate', what: `${date} is no day such as 2026-11-21` });
}

function demandWindow({ from, to, everyMinutes }: HourlyPlan): void {
  const [begin = 0, end = 0] = [secondsOfClock(from), secondsOfClock(to)];
  if (end <= begin)
    throw fail('plan_bad', { part: 'from', what: `its window ends at ${to}, not after its begin at ${from}` });
  if (everyMinutes > 0 && end - begin < everyMinutes * 60)
    throw fail('plan_bad', {
      part: 'from',
      what: `its window ${from} to ${to} is shorter than the interval of ${String(everyMinutes)} min`,
    });
}

function demandCounts(plan: TimedPlan): void {
  switch (plan.type) {
    case 'once':
      return;
    case 'hourly':
      demandCount(plan.everyMinutes, { most: 1440, part: 'everyMinutes', what: 'the interval in minutes' });
      return;
    case 'daily':
      demandCount(plan.everyDays, { most: 366, part: 'everyDays', what: 'the interval in days' });
      return;
    case 'weekly':
      demandCount(plan.everyWeeks, { most: 53, part: 'everyWeeks', what: 'the interval in weeks' });
      demandSome(plan.weekdays, 'weekdays', 'weekday');
      return;
    case 'monthly':
      demandSome(plan.months, 'months', 'month');
      if ('days' in plan.on) demandSome(plan.on.days, 'days', 'day of the month');
      else {
        demandSome(plan.on.weeks, 'weeks', 'week of the month');
        demandSome(plan.on.weekdays, 'weekdays', 'weekday');
      }
      return;
  }
}

interface Counted {
  readonly most: number;
  readonly part: string;
  readonly what: string;
}

function demandCount(count: number, { most, part, what }: Counted): void {
  if (Number.isSafeInteger(count) && count >= 1 && count <= most) return;
  throw fail('plan_bad', { part, what: `${what} is ${String(count)}, not 1 to ${String(most)}` });
}

function demandSome(list: readonly unknown[], part: string, what: string): void {
  if (list.length === 0) throw fail('plan_bad', { part, what: `it names no ${what}` });
}
