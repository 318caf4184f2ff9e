import { createHash } from 'node:crypto';
import type { CalendarSpec, IntervalSpec, Month, ScheduleSpec } from '@temporalio/client';
import { dayMs, dayNumberOf, secondsOfClock } from '#core/plan/civil.ts';
import { nextRuns, runsOfDay } from '#core/plan/next-runs.ts';
import type { HourlyPlan, MonthlyDays, MonthlyPlan, PeriodicPlan, TimedPlan } from '#core/plan/plan.ts';
import type { Zone } from '#core/plan/zone.ts';
import { momentsOf, wallOf, zoneOf } from '#core/plan/zone.ts';
import type { Weekday } from '#core/run/rate-window.ts';

/*
 * A schedule may fire at more times than its plan has, never at fewer: the fire workflow asks the plan (catalog/runs/job-runs.ts).
 * Calendars of the server cannot say "every second day", "the fifth Friday" or "behind the gap of summer time"; they say every
 * day. What the clock of a night of change jumps over or shows twice is named one by one, as moments of UTC, for this and the next
 * two years: of a time that comes twice a calendar fires at the first, the second or both, by zone, and the plan has the first.
 */

const weekdayNames = {
  ...({ mon: 'MONDAY', tue: 'TUESDAY', wed: 'WEDNESDAY', thu: 'THURSDAY' } as const),
  ...({ fri: 'FRIDAY', sat: 'SATURDAY', sun: 'SUNDAY' } as const),
} satisfies Record<Weekday, string>;
const monthNames: readonly Month[] = [
  ...(['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY', 'AUGUST'] as const),
  ...(['SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'] as const),
];
/**
 * An interval that comes round once in twenty years is one moment among the years that are named. Why not longer: the server
 * divides towards zero, so an interval whose first time is still to come would miss that.
 */
const roundMs = 7305 * dayMs;
const yearsNamed = 3;

/** When the server fires for a plan, from the year of `nowMs` on. */
export function specOfPlan(plan: TimedPlan, nowMs: number): ScheduleSpec {
  if (plan.type === 'once') return { calendars: nextRuns(plan, -1, 1).map(momentOf), timezone: 'UTC' };
  const zone = zoneOf(plan.zone);
  const regular = regularSeconds(plan);
  const intervals = irregularRuns(plan, { zone, regular: new Set(regular), nowMs }).map((at): IntervalSpec => ({
    every: roundMs,
    offset: at % roundMs,
  }));
  const days = daysOf(plan);
  const calendars = clocksOf(regular).map((clock): CalendarSpec => ({ ...clock, ...days }));
  const startAt = new Date(((dayNumberOf(plan.startDate) ?? 1) - 1) * dayMs);
  return { calendars, ...(intervals.length === 0 ? {} : { intervals }), startAt, timezone: plan.zone };
}

/** Equal specs have equal names. */
export const nameOfSpec = (spec: ScheduleSpec): string =>
  createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 16);

function momentOf(ms: number): CalendarSpec {
  const at = new Date(ms);
  const [year, month, dayOfMonth] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  const clock = { hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds() };
  return { ...{ year, dayOfMonth, ...clock }, month: monthNames[month] ?? 'JANUARY' };
}

/** Seconds of the day at which a plan runs on a day without a clock change. */
function regularSeconds(plan: PeriodicPlan): readonly number[] {
  if (plan.type !== 'hourly') return [secondsOfClock(plan.at) ?? 0];
  const { from, to, everyMinutes }: HourlyPlan = plan;
  const [begin, end] = [secondsOfClock(from) ?? 0, secondsOfClock(to) ?? 0];
  const steps = Math.floor((end - begin) / (everyMinutes * 60));
  return Array.from({ length: steps + 1 }, (_, step) => begin + step * everyMinutes * 60);
}

/** Times of the day as few calendars: hours with the same minutes share one. */
function clocksOf(seconds: readonly number[]): readonly CalendarSpec[] {
  const byHour = new Map<number, number[]>();
  for (const second of seconds) {
    const hour = Math.floor(second / 3600);
    byHour.set(hour, [...(byHour.get(hour) ?? []), Math.floor((second % 3600) / 60)]);
  }
  const byMinutes = new Map<string, { readonly minute: number[]; readonly hour: number[] }>();
  for (const [hour, minute] of byHour) {
    const known = byMinutes.get(minute.join());
    if (known === undefined) byMinutes.set(minute.join(), { minute, hour: [hour] });
    else known.hour.push(hour);
  }
  return [...byMinutes.values()].map((clock) => ({ ...clock, second: (seconds[0] ?? 0) % 60 }));
}

type Days = Pick<CalendarSpec, 'dayOfWeek' | 'dayOfMonth' | 'month'>;

function daysOf(plan: PeriodicPlan): Days {
  if (plan.type === 'weekly') return { dayOfWeek: plan.weekdays.map((name) => weekdayNames[name]) };
  return plan.type === 'monthly' ? daysOfMonth(plan) : {};
}

function daysOfMonth({ months, on }: MonthlyPlan): Days {
  const month = months.flatMap((number) => monthNames[number - 1] ?? []);
  if ('days' in on) return { month, dayOfMonth: [...on.days.filter((day) => day !== 'last'), ...lastDays(on)] };
  const dayOfMonth = on.weeks.map((week) =>
    week === 'last' ? { start: 22, end: 31 } : { start: week * 7 - 6, end: Math.min(31, week * 7) },
  );
  return { month, dayOfMonth, dayOfWeek: on.weekdays.map((name) => weekdayNames[name]) };
}

const lastDays = (on: Extract<MonthlyDays, { days: unknown }>): { readonly start: number; readonly end: number }[] =>
  on.days.includes('last') ? [{ start: 28, end: 31 }] : [];

interface Irregular {
  readonly zone: Zone;
  readonly regular: ReadonlySet<number>;
  readonly nowMs: number;
}

/** Runs near a clock change that the wall clock shows at other times than those of every day, or at one that it shows twice. */
function irregularRuns(plan: PeriodicPlan, { zone, regular, nowMs }: Irregular): readonly number[] {
  const year = new Date(nowMs).getUTCFullYear();
  const changes = zone.transitions(Date.UTC(year, 0, 1), Date.UTC(year + yearsNamed, 0, 1));
  const days = new Set(changes.map(({ at }) => wallOf(zone, at).day).flatMap((day) => [day - 1, day]));
  const isNamed = (ms: number): boolean => {
    const wall = wallOf(zone, ms);
    const { first, last } = momentsOf(zone, wall.day, wall.second);
    return !regular.has(wall.second) || first !== last || (plan.type !== 'hourly' && hasNoMidnight(zone, wall.day));
  };
  const found = [...days].flatMap((day) => runsOfDay(plan, zone, day).filter(isNamed));
  return [...new Set(found)].sort((a, b) => a - b);
}

/** A day that begins behind a gap, as in Santiago: calendars of the server that name days of the week or month pass over it. */
const hasNoMidnight = (zone: Zone, day: number): boolean => wallOf(zone, momentsOf(zone, day, 0).first).second !== 0;
