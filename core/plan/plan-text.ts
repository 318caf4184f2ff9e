import type { MonthlyDays, Plan } from './plan.ts';

const every = (count: number, unit: string): string =>
  count === 1 ? `every ${unit}` : `every ${String(count)} ${unit}s`;

/** A plan in words, for lists. */
export function planText(plan: Plan): string {
  switch (plan.type) {
    case 'immediate':
      return 'once, when it was created';
    case 'manual':
      return 'by hand';
    case 'once':
      return `once on ${plan.date} at ${plan.at} ${plan.zone}`;
    case 'hourly': {
      const { everyMinutes: minutes, from, to, zone } = plan;
      const words = minutes % 60 === 0 ? every(minutes / 60, 'hour') : every(minutes, 'minute');
      return `${words} from ${from} to ${to} ${zone}`;
    }
    case 'daily':
      return `${every(plan.everyDays, 'day')} at ${plan.at} ${plan.zone}`;
    case 'weekly':
      return `${every(plan.everyWeeks, 'week')} on ${plan.weekdays.join(', ')} at ${plan.at} ${plan.zone}`;
    case 'monthly':
      return `${monthsText(plan.months)} on ${daysText(plan.on)} at ${plan.at} ${plan.zone}`;
  }
}

const monthsText = (months: readonly number[]): string =>
  months.length === 12 ? 'every month' : `in month ${months.map(String).join(', ')}`;

function daysText(on: MonthlyDays): string {
  if ('days' in on) return on.days.map((day) => (day === 'last' ? 'the last day' : `day ${String(day)}`)).join(', ');
  const weeks = on.weeks.map((week) => (week === 'last' ? 'last' : `${String(week)}.`)).join(', ');
  return `the ${weeks} ${on.weekdays.join(', ')}`;
}
