import { weekdays } from '../run/rate-window.ts';
import type { DayNumber } from './civil.ts';
import { dayNumberOf, dayOfMonth, secondsOfClock, weekdayOf } from './civil.ts';
import type { HourlyPlan, MonthlyDays, PeriodicPlan, Plan, TimedPlan } from './plan.ts';
import { isTimed } from './plan.ts';
import type { Zone } from './zone.ts';
import { momentsOf, wallOf, zoneOf } from './zone.ts';

/** Days that are looked through before a plan counts as one that never runs: every calendar repeats within 40 years. */
const horizonDays = 41 * 366;
const minuteMs = 60_000;

/** The next times of a plan after a moment (milliseconds since 1970), oldest first; fewer than `count` when it has no more. */
export function nextRuns(plan: Plan, afterMs: number, count: number): number[] {
  if (!isTimed(plan) || count <= 0) return [];
  const zone = zoneOf(plan.zone);
  const found: number[] = [];
  const from = firstDay(plan, zone, afterMs);
  // A list of jobs asks this of each: the one day of a plan that runs once is not followed by 41 years of looking.
  const to = from + (plan.type === 'once' ? 1 : horizonDays);
  for (let day = from; day < to && found.length < count; day++)
    for (const ms of runsOfDay(plan, zone, day)) if (ms > afterMs && ms !== found[found.length - 1]) found.push(ms);
  return found.slice(0, count);
}

/** True when the plan has a run at this very second. */
export function isRunTime(plan: Plan, ms: number): boolean {
  return nextRuns(plan, ms - 1, 1)[0] === ms;
}

/** The last run time at or before a moment and after another one; undefined when there is none between them. */
export function lastRunUpTo(plan: Plan, ms: number, afterMs: number): number | undefined {
  if (!isTimed(plan)) return undefined;
  const zone = zoneOf(plan.zone);
  const oldest = wallOf(zone, afterMs).day - 1;
  for (let day = wallOf(zone, ms).day + 1; day >= oldest; day--) {
    const found = runsOfDay(plan, zone, day).filter((at) => at <= ms && at > afterMs);
    if (found.length > 0) return found[found.length - 1];
  }
  return undefined;
}

/** Where the search begins: a run behind a gap is one of the day before, a window may reach there too. */
function firstDay(plan: TimedPlan, zone: Zone, afterMs: number): DayNumber {
  const near = wallOf(zone, afterMs).day - 1;
  return plan.type === 'once' ? (dayNumberOf(plan.date) ?? near) : Math.max(near, dayNumberOf(plan.startDate) ?? near);
}

/** The run times that belong to a day of the zone, oldest first. */
export function runsOfDay(plan: TimedPlan, zone: Zone, day: DayNumber): readonly number[] {
  if (plan.type === 'once') return day === dayNumberOf(plan.date) ? [momentAt(zone, day, plan.at)] : [];
  if (!isDayOf(plan, day)) return [];
  return plan.type === 'hourly' ? runsInWindow(plan, zone, day) : [momentAt(zone, day, plan.at)];
}

const momentAt = (zone: Zone, day: DayNumber, at: string): number =>
  momentsOf(zone, day, secondsOfClock(at) ?? 0).first;

/** Real time from the begin of the window, while the clock shows no time behind its end: of what it shows twice, both. */
function runsInWindow({ from, to, everyMinutes }: HourlyPlan, zone: Zone, day: DayNumber): readonly number[] {
  const begin = momentAt(zone, day, from);
  const lastSecond = secondsOfClock(to) ?? 0;
  const end = momentsOf(zone, day, lastSecond).last;
  const steps = Math.floor((end - begin) / (everyMinutes * minuteMs));
  const runs = Array.from({ length: Math.max(0, steps) + 1 }, (_, step) => begin + step * everyMinutes * minuteMs);
  // A window that ends in a gap ends behind it, where the clock shows more.
  return runs.filter((ms) => ms === end || wallOf(zone, ms).second <= lastSecond);
}

/** Whether the rule of a plan names this day. */
export function isDayOf(plan: PeriodicPlan, day: DayNumber): boolean {
  const start = dayNumberOf(plan.startDate) ?? 0;
  if (day < start) return false;
  switch (plan.type) {
    case 'hourly':
      return true;
    case 'daily':
      return (day - start) % plan.everyDays === 0;
    case 'weekly': {
      const weeks = (mondayOf(day) - mondayOf(start)) / 7;
      return weeks % plan.everyWeeks === 0 && isOn(plan.weekdays, day);
    }
    case 'monthly':
      return plan.months.includes(dayOfMonth(day).month) && isDayOfMonth(plan.on, day);
  }
}

const mondayOf = (day: DayNumber): DayNumber => day - weekdayOf(day);
const isOn = (names: readonly string[], day: DayNumber): boolean => names.includes(weekdays[weekdayOf(day)] ?? '');

function isDayOfMonth(on: MonthlyDays, number: DayNumber): boolean {
  const { day, lastDay } = dayOfMonth(number);
  if ('days' in on) return on.days.some((wanted) => wanted === day || (wanted === 'last' && day === lastDay));
  const nth = Math.ceil(day / 7);
  return isOn(on.weekdays, number) && on.weeks.some((week) => week === nth || (week === 'last' && day + 7 > lastDay));
}
