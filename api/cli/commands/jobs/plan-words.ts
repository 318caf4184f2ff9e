import { z } from 'zod';
import type { Weekday } from '#core/run/rate-window.ts';
import { weekdays } from '#core/run/rate-window.ts';
import type { PlanType } from '#core/plan/plan.ts';
import { planTypes } from '#core/plan/plan.ts';
import type { PlanBody } from '#core/settings/plan.ts';
import { fail } from '#core/errors/fail.ts';

const zoneOption = { '--zone <zone>': 'IANA time zone of times and days, e.g. Asia/Shanghai (that of this terminal)' };
const onceOptions = {
  '--date <day>': 'with once: the day, e.g. 2026-12-01',
  '--at <time>': 'time of the day, e.g. 02:00',
};

/** Options that say when a job runs (K-074). */
export const planOptions = {
  '--plan <immediate|once|manual|hourly|daily|weekly|monthly>': 'when it runs (manual; K-004)',
  ...onceOptions,
  '--every <n>': 'days or weeks between runs (1); with hourly an interval such as 2h or 30m (1h)',
  '--window <from-to>': 'with hourly: first and last time of the day, e.g. 08:00-20:00 (00:00-23:59)',
  '--weekdays <list>': 'with weekly, or with --weeks: e.g. mon,fri',
  '--months <list>': 'with monthly: e.g. 1,4,7,10 (all)',
  '--days <list>': 'with monthly: days of the month, e.g. 1,15,last',
  '--weeks <list>': 'with monthly and --weekdays: which weeks of the month, e.g. 1,last',
  '--start-date <day>': 'first day; intervals count from it (today)',
  ...zoneOption,
};
export const planFields = {
  plan: z.enum(planTypes).optional(),
  date: z.string().optional(),
  at: z.string().optional(),
  every: z.string().optional(),
  window: z.string().optional(),
  weekdays: z.string().optional(),
  months: z.string().optional(),
  days: z.string().optional(),
  weeks: z.string().optional(),
  startDate: z.string().optional(),
  zone: z.string().optional(),
};
export type PlanArgs = z.output<z.ZodObject<typeof planFields>>;

/** Options of a job of which `--at` and `--date` mean something else (K-099). */
export const restorePlanOptions = {
  '--plan <immediate|once|manual>': 'when it runs (manual; K-099)',
  '--run-date <day>': 'with once: the day, e.g. 2026-12-01',
  '--run-at <time>': 'with once: time of the day, e.g. 02:00',
  ...zoneOption,
};
export const restorePlanFields = {
  plan: z.enum(planTypes).optional(),
  runDate: z.string().optional(),
  runAt: z.string().optional(),
  zone: z.string().optional(),
};

/**
 * The plan that was typed; what is not typed is that of `before`, when that is of the same type. Undefined when nothing of a
 * plan was typed. `prefix`: what options of a plan begin with. Throws `value_malformed`, `plan_part_missing`, and `plan_part_foreign` for what the plan does not have: left out in
 * silence it would run at another time than its author thinks, or never.
 */
export function planOfArgs(args: PlanArgs, before?: PlanBody, prefix = '--'): PlanBody | undefined {
  const isTyped = planKeys.some((key) => args[key] !== undefined);
  if (!isTyped && before !== undefined) return undefined;
  const type = args.plan ?? before?.type ?? 'manual';
  refuseForeign(args, type, prefix);
  return type === 'immediate' || type === 'manual' ? { type } : planByClock(args, before, type);
}

function planByClock(args: PlanArgs, before: PlanBody | undefined, type: ClockPlan): PlanBody {
  const known: Known = before?.type === type ? { ...before } : {};
  const zone = args.zone ?? zoneIn(known);
  return type === 'hourly' ? hourlyOf(args, known, zone) : planAtTime({ args, before, known, zone }, type);
}

type ClockPlan = Exclude<PlanType, 'immediate' | 'manual'>;

interface Typed {
  readonly args: PlanArgs;
  readonly before: PlanBody | undefined;
  readonly known: Known;
  readonly zone: string;
}

function planAtTime({ args, before, known, zone }: Typed, type: 'once' | 'daily' | 'weekly' | 'monthly'): PlanBody {
  const at = args.at ?? textIn(known, 'at') ?? missing(type, '--at', '--at 02:00');
  const rest = { zone, at, ...startOf(args, known) };
  switch (type) {
    case 'once':
      return {
        type,
        zone,
        at,
        date: args.date ?? textIn(known, 'date') ?? missing(type, '--date', '--date 2026-12-01'),
      };
    case 'daily':
      return { type, ...rest, everyDays: countOf(args, known, 'everyDays') };
    case 'weekly':
      return { type, ...rest, ...weeklyOf(args, before) };
    case 'monthly':
      return { type, ...rest, ...monthlyOf(args, before) };
  }
}

/** Which plans have a part, by the option that says it. */
const plansWith = {
  date: ['date', ['once']],
  at: ['at', ['once', 'daily', 'weekly', 'monthly']],
  every: ['every', ['hourly', 'daily', 'weekly']],
  window: ['window', ['hourly']],
  weekdays: ['weekdays', ['weekly', 'monthly']],
  months: ['months', ['monthly']],
  days: ['days', ['monthly']],
  weeks: ['weeks', ['monthly']],
  startDate: ['start-date', ['hourly', 'daily', 'weekly', 'monthly']],
} as const satisfies Partial<Record<keyof PlanArgs, readonly [string, readonly PlanType[]]>>;
const parts = ['date', 'at', 'every', 'window', 'weekdays', 'months', 'days', 'weeks', 'startDate'] as const;
const planKeys = ['plan', 'zone', ...parts] as const;

function refuseForeign(args: PlanArgs, type: PlanType, prefix: string): void {
  for (const part of parts) {
    const [name, plans]: readonly [string, readonly PlanType[]] = plansWith[part];
    if (args[part] !== undefined && !plans.includes(type))
      throw fail('plan_part_foreign', { option: `${prefix}${name}`, plan: type, plans: plans.join('|') });
  }
}

type Known = Readonly<Partial<Record<string, unknown>>>;

const textIn = (known: Known, key: string): string | undefined => {
  const value = known[key];
  return typeof value === 'string' ? value : undefined;
};

const zoneIn = (known: Known): string => textIn(known, 'zone') ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

function missing(plan: PlanType, option: string, example: string): never {
  throw fail('plan_part_missing', { plan, option, example });
}

function malformed(text: string, what: string, expected: string): never {
  throw fail('value_malformed', { text, what, expected });
}

const startOf = ({ startDate }: PlanArgs, known: Known): { readonly startDate?: string } => {
  const day = startDate ?? textIn(known, 'startDate');
  return day === undefined ? {} : { startDate: day };
};

function countOf({ every }: PlanArgs, known: Known, key: string): number {
  const before = known[key];
  if (every === undefined) return typeof before === 'number' ? before : 1;
  return /^\d{1,4}$/.test(every) ? Number(every) : malformed(every, '--every', 'a number of days or weeks');
}

function hourlyOf(args: PlanArgs, known: Known, zone: string): PlanBody {
  const [from, to] = windowOf(args.window) ?? [textIn(known, 'from') ?? '00:00', textIn(known, 'to') ?? '23:59'];
  const before = known['everyMinutes'];
  const everyMinutes = args.every === undefined ? (typeof before === 'number' ? before : 60) : minutesOf(args.every);
  return { type: 'hourly', zone, from, to, everyMinutes, ...startOf(args, known) };
}

function windowOf(text: string | undefined): readonly [string, string] | undefined {
  if (text === undefined) return undefined;
  const [, from, to] = /^([\d:]+)\s*-\s*([\d:]+)$/.exec(text) ?? [];
  return from === undefined || to === undefined ? malformed(text, '--window', '08:00-20:00') : [from, to];
}

/** `30m`, `2h`; a number alone could be either, and is refused. */
function minutesOf(text: string): number {
  const [, count, unit] = /^(\d{1,4})(h|m|min)?$/.exec(text) ?? [];
  if (count === undefined) return malformed(text, '--every', 'an interval such as 2h or 30m');
  if (unit === undefined) return malformed(text, '--every', `${count}m for minutes or ${count}h for hours`);
  return Number(count) * (unit === 'h' ? 60 : 1);
}

function weeklyOf(args: PlanArgs, before: PlanBody | undefined) {
  const known = before?.type === 'weekly' ? before : undefined;
  const days = args.weekdays === undefined ? known?.weekdays : weekdaysOf(args.weekdays);
  return {
    everyWeeks: countOf(args, { ...known }, 'everyWeeks'),
    weekdays: days ?? missing('weekly', '--weekdays', '--weekdays sun'),
  };
}

function monthlyOf(args: PlanArgs, before: PlanBody | undefined) {
  const known = before?.type === 'monthly' ? before : undefined;
  refuseBoth(args);
  const months = args.months === undefined ? (known?.months ?? allMonths) : listOf(args.months).map(Number);
  return {
    months,
    on:
      onOf(args, known?.on) ??
      known?.on ??
      missing('monthly', '--days', '--days 1,last, or --weeks last --weekdays sun'),
  };
}

function refuseBoth({ days, weeks, weekdays: named }: PlanArgs): void {
  if (days !== undefined && (weeks ?? named) !== undefined)
    malformed(`--days ${days}`, 'monthly plan', 'days of the month, or --weeks with --weekdays, not both');
}

const allMonths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

type MonthDays = Extract<PlanBody, { type: 'monthly' }>['on'];

function onOf({ days, weeks, weekdays: named }: PlanArgs, known?: MonthDays): MonthDays | undefined {
  if (days !== undefined) return { days: listOf(days).map((day) => (day === 'last' ? day : Number(day))) };
  if (weeks === undefined && named === undefined) return undefined;
  const before = known !== undefined && 'weeks' in known ? known : undefined;
  return {
    weeks: weeks === undefined ? (before?.weeks ?? missing('monthly', '--weeks', '--weeks last')) : weeksOf(weeks),
    weekdays:
      named === undefined
        ? (before?.weekdays ?? missing('monthly', '--weekdays', '--weekdays sun'))
        : weekdaysOf(named),
  };
}

function weeksOf(text: string) {
  const known = { '1': 1, '2': 2, '3': 3, '4': 4, '5': 5, last: 'last' } as const;
  const isKnown = (part: string): part is `${1 | 2 | 3 | 4 | 5}` | 'last' => Object.hasOwn(known, part);
  return listOf(text).map((part) => (isKnown(part) ? known[part] : malformed(part, '--weeks', '1 to 5 or last')));
}

const listOf = (text: string): string[] => text.split(',').map((part) => part.trim());

const weekdaysOf = (text: string): Weekday[] =>
  listOf(text.toLowerCase()).map(
    (part) => weekdays.find((day) => day === part) ?? malformed(part, '--weekdays', weekdays.join(',')),
  );
