import fc from 'fast-check';
import type { HourlyPlan, MonthlyDays, NthWeek, TimedPlan } from '#core/plan/plan.ts';
import type { Weekday } from '#core/run/rate-window.ts';
import { weekdays } from '#core/run/rate-window.ts';

/*
 * An independent calendar: it walks through real time by quarters of an hour, reads the wall clock of each from Intl, and
 * asks of each quarter whether a rule is due. It knows nothing of offsets, days as numbers or the search of core/plan.
 */

export const quarterMs = 900_000;

/** What a wall clock shows at a quarter of an hour. */
interface Quarter {
  readonly ms: number;
  readonly date: string;
  readonly weekday: Weekday;
  /** Minute of the day. */
  readonly minute: number;
}

const calendars = new Map<string, readonly Quarter[]>();
export const calendarFrom = Date.UTC(2026, 0, 1);
/** Two years and a bit, a leap year not among them; the rules begin within. */
const quarters = 96 * 430;

export function calendarOf(zone: string): readonly Quarter[] {
  const known = calendars.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-CA', {
    ...{ timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', weekday: 'short' },
    ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  });
  const made = Array.from({ length: quarters }, (_, i): Quarter => {
    const ms = calendarFrom + i * quarterMs;
    const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const weekday = weekdays.find((name) => part['weekday']?.toLowerCase().startsWith(name)) ?? 'mon';
    const date = `${part['year'] ?? ''}-${part['month'] ?? ''}-${part['day'] ?? ''}`;
    return { ms, date, weekday, minute: Number(part['hour']) * 60 + Number(part['minute']) };
  });
  calendars.set(zone, made);
  return made;
}

const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));
const daysBetween = (a: string, b: string): number => Math.round((Date.parse(b) - Date.parse(a)) / 86_400_000);
const monday = (date: string): string => {
  const at = new Date(`${date}T12:00:00Z`);
  at.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7));
  return at.toISOString().slice(0, 10);
};

function isDue(plan: TimedPlan, { date, weekday }: Quarter): boolean {
  if (plan.type === 'once') return date === plan.date;
  if (date < plan.startDate) return false;
  if (plan.type === 'hourly') return true;
  if (plan.type === 'daily') return daysBetween(plan.startDate, date) % plan.everyDays === 0;
  if (plan.type === 'weekly')
    return (
      plan.weekdays.includes(weekday) && daysBetween(monday(plan.startDate), monday(date)) % (7 * plan.everyWeeks) === 0
    );
  return plan.months.includes(Number(date.slice(5, 7))) && isNamed(plan.on, date, weekday);
}

function isNamed(on: MonthlyDays, date: string, weekday: Weekday): boolean {
  const day = Number(date.slice(8));
  const inAWeek = new Date(Date.parse(date) + 7 * 86_400_000).toISOString().slice(0, 7);
  const isLastWeek = inAWeek !== date.slice(0, 7);
  if ('days' in on) {
    const isLastDay = new Date(Date.parse(date) + 86_400_000).toISOString().slice(8, 10) === '01';
    return on.days.includes(day) || (isLastDay && on.days.includes('last'));
  }
  if (!on.weekdays.includes(weekday)) return false;
  return on.weeks.some((week) => (week === 'last' ? isLastWeek : day > (week - 1) * 7 && day <= week * 7));
}

/** A quarter with the one before it: whether the clock shows a time for the first time, or has jumped over it. */
interface Step {
  readonly quarter: Quarter;
  readonly previous: Quarter;
  readonly isNewDay: boolean;
}

const walks = new Map<string, readonly Step[]>();

function stepsOf(zone: string): readonly Step[] {
  const known = walks.get(zone);
  if (known !== undefined) return known;
  const [first, ...rest] = calendarOf(zone);
  let previous = first;
  const made = rest.map((quarter) => {
    const step = { quarter, previous: previous ?? quarter, isNewDay: quarter.date !== previous?.date };
    previous = quarter;
    return step;
  });
  walks.set(zone, made);
  return made;
}

const isReached = ({ quarter, previous, isNewDay }: Step, minute: number): boolean =>
  quarter.minute === minute || (quarter.minute > minute && (isNewDay || previous.minute < minute));

/** The first step of each day at which a time of the day is reached. */
function firstReached(zone: string, minute: number): ReadonlySet<Step> {
  const key = `${zone} ${String(minute)}`;
  const known = reached.get(key);
  if (known !== undefined) return known;
  const byDay = new Map<string, Step>();
  for (const step of stepsOf(zone))
    if (isReached(step, minute) && !byDay.has(step.quarter.date)) byDay.set(step.quarter.date, step);
  const made = new Set(byDay.values());
  reached.set(key, made);
  return made;
}

const reached = new Map<string, ReadonlySet<Step>>();

/** Every run of a plan within the calendar, after its first two days. */
export function runsByOracle(plan: TimedPlan): number[] {
  const found = plan.type === 'hourly' ? windowsByOracle(plan) : [...firstReached(plan.zone, minuteOf(plan.at))];
  return found
    .filter(({ quarter }) => isDue(plan, quarter))
    .map(({ quarter }) => quarter.ms)
    .filter((ms) => ms >= calendarFrom + 2 * 86_400_000);
}

function windowsByOracle({ zone, from, to, everyMinutes }: HourlyPlan): Step[] {
  const begins = firstReached(zone, minuteOf(from));
  const end = minuteOf(to);
  let anchor: number | undefined;
  return stepsOf(zone).filter((step) => {
    const { quarter, isNewDay } = step;
    if (isNewDay) anchor = undefined;
    if (begins.has(step)) anchor = quarter.ms;
    // Reached: an end that the clock jumps over, at midnight, too, is the first moment behind the gap.
    const isInside = quarter.minute <= end || isReached(step, end);
    return anchor !== undefined && isInside && (quarter.ms - anchor) % (everyMinutes * 60_000) === 0;
  });
}

const clock = (quarter: number): string =>
  `${String(Math.floor(quarter / 4)).padStart(2, '0')}:${String((quarter % 4) * 15).padStart(2, '0')}`;
const clocks = fc.oneof(fc.integer({ min: 0, max: 95 }), fc.integer({ min: 0, max: 16 })).map(clock);
const dates = fc
  .integer({ min: 0, max: 300 })
  .map((day) => new Date(calendarFrom + day * 86_400_000).toISOString().slice(0, 10));
const someWeekdays = fc.subarray([...weekdays], { minLength: 1 });

/** Rules of every timed type in a zone, with times on quarters of an hour. */
export const plansIn = (zone: string): fc.Arbitrary<TimedPlan> =>
  fc.oneof(
    fc.record({ type: fc.constant('once' as const), zone: fc.constant(zone), date: dates, at: clocks }),
    fc
      .tuple(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 1, max: 95 }), fc.integer({ min: 1, max: 40 }), dates)
      .filter(([from, length, every]) => from + length <= 95 && every <= length)
      .map(([from, length, every, startDate]) => ({
        ...{
          type: 'hourly' as const,
          zone,
          from: clock(from),
          to: clock(from + length),
          everyMinutes: every * 15,
          startDate,
        },
      })),
    fc.record({
      type: fc.constant('daily' as const),
      zone: fc.constant(zone),
      at: clocks,
      everyDays: fc.integer({ min: 1, max: 40 }),
      startDate: dates,
    }),
    fc.record({
      ...{
        type: fc.constant('weekly' as const),
        zone: fc.constant(zone),
        at: clocks,
        everyWeeks: fc.integer({ min: 1, max: 9 }),
      },
      ...{ weekdays: someWeekdays, startDate: dates },
    }),
    fc.record({
      ...{ type: fc.constant('monthly' as const), zone: fc.constant(zone), at: clocks, startDate: dates },
      months: fc.subarray([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], { minLength: 1 }),
      on: fc.oneof(
        fc.record({ days: fc.subarray([1, 2, 15, 28, 29, 30, 31, 'last' as const], { minLength: 1 }) }),
        fc.record({ weeks: fc.subarray<NthWeek>([1, 2, 3, 4, 5, 'last'], { minLength: 1 }), weekdays: someWeekdays }),
      ),
    }),
  );

/** Zones with a gap of an hour, of half an hour, at midnight, in the south, and none at all. */
export const zonesWithTraps = [
  ...['America/New_York', 'Australia/Lord_Howe', 'America/Havana', 'Africa/Cairo', 'America/Santiago', 'Europe/London'],
  ...['Africa/Casablanca', 'Asia/Shanghai', 'Asia/Kathmandu', 'UTC'],
] as const;
