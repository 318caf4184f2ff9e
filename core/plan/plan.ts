import type { Weekday } from '../run/rate-window.ts';

/** Wall-clock time of a day, `02:00` or `02:00:30`. */
export type WallClock = string;
/** Calendar day, `2026-11-21`. */
export type CalendarDay = string;
/** Which week of a month: its first to fifth such weekday, or its last. */
export type NthWeek = 1 | 2 | 3 | 4 | 5 | 'last';

/** What every plan with a calendar says. */
interface InZone {
  /** Name of the IANA time zone database; every time and day of the plan is one of this zone. */
  readonly zone: string;
}

/** K-054: every day, within a window, again and again. */
export interface HourlyPlan extends InZone {
  readonly type: 'hourly';
  /** Both ends can be run times; `to` is later than `from` on the same day. */
  readonly from: WallClock;
  readonly to: WallClock;
  /** Minutes of real time from the begin of the window. */
  readonly everyMinutes: number;
  readonly startDate: CalendarDay;
}
/** K-055: every N days, counted from `startDate`. */
export interface DailyPlan extends InZone {
  readonly type: 'daily';
  readonly at: WallClock;
  readonly everyDays: number;
  readonly startDate: CalendarDay;
}
/** K-056: on some weekdays of every N-th week, counted from the week (from Monday) of `startDate`. */
export interface WeeklyPlan extends InZone {
  readonly type: 'weekly';
  readonly at: WallClock;
  readonly everyWeeks: number;
  readonly weekdays: readonly Weekday[];
  readonly startDate: CalendarDay;
}
/** K-057, K-074: in some months, by day of the month or by weekday. */
export interface MonthlyPlan extends InZone {
  readonly type: 'monthly';
  readonly at: WallClock;
  /** 1–12. */
  readonly months: readonly number[];
  readonly on: MonthlyDays;
  readonly startDate: CalendarDay;
}
export type MonthlyDays =
  /** A month that is too short for a day passes over it; `last` is the last day of every month. */
  | { readonly days: readonly (number | 'last')[] }
  /** A month without a fifth such weekday has none. */
  | { readonly weeks: readonly NthWeek[]; readonly weekdays: readonly Weekday[] };

export type PeriodicPlan = HourlyPlan | DailyPlan | WeeklyPlan | MonthlyPlan;

/**
 * When a job runs: one of the seven plans (K-004, K-051…K-057). Summer time: a time that the clock jumps over is the first
 * moment after the gap, a time that comes twice is its first coming; hourly plans count real time, so that a day of 25 hours
 * has 25 hourly runs. Nothing runs before `startDate`.
 */
export type Plan =
  | { readonly type: 'immediate' }
  | { readonly type: 'manual' }
  | ({ readonly type: 'once'; readonly date: CalendarDay; readonly at: WallClock } & InZone)
  | PeriodicPlan;

export type PlanType = Plan['type'];
/** Plans that a clock starts. */
export type TimedPlan = Exclude<Plan, { readonly type: 'immediate' | 'manual' }>;

export const planTypes = [
  'immediate',
  'once',
  'manual',
  'hourly',
  'daily',
  'weekly',
  'monthly',
] as const satisfies readonly PlanType[];
export const isTimed = (plan: Plan): plan is TimedPlan => plan.type !== 'immediate' && plan.type !== 'manual';
