import type { SetSummary } from '../backup/set-summary.ts';
import type { SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import { microsOfInstant } from '../instant.ts';
import type { GenerationCounts } from './policy.ts';

type Period = 'daily' | 'weekly' | 'monthly' | 'yearly';
const periods = ['daily', 'weekly', 'monthly', 'yearly'] as const satisfies readonly Period[];
const dayMs = 86_400_000;

/** A full that a generation keeps, with the period in words: `daily 2026-11-21`. */
export interface Generation {
  readonly setId: SetId;
  readonly period: Period;
  readonly name: string;
}

/** The newest full of each of the last N days, weeks (from Monday), months and years that have one, in a time zone. */
export function generationsOf(fulls: readonly SetSummary[], counts: GenerationCounts): readonly Generation[] {
  const newestFirst = [...fulls].sort((a, b) => (a.endedAt < b.endedAt ? 1 : a.endedAt > b.endedAt ? -1 : 0));
  const dayOf = localDay(counts.zone);
  return periods.flatMap((period) => {
    const kept = new Map<string, SetId>();
    for (const { setId, endedAt } of newestFirst) {
      if (kept.size >= counts[period]) break;
      const name = nameOf(period, dayOf(endedAt));
      if (!kept.has(name)) kept.set(name, setId);
    }
    return [...kept].map(([name, setId]): Generation => ({ setId, period, name: `${period} ${name}` }));
  });
}

/** The calendar day of a moment in a zone as `2026-11-21`. */
function localDay(zone: string): (at: Instant) => string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return (at) => format.format(new Date(Math.floor(microsOfInstant(at) / 1000)));
}

function nameOf(period: Period, day: string): string {
  switch (period) {
    case 'daily':
      return day;
    case 'weekly':
      return `week of ${mondayOf(day)}`;
    case 'monthly':
      return day.slice(0, 7);
    case 'yearly':
      return day.slice(0, 4);
  }
}

/** Calendar arithmetic on days as such: no clock change can be in the way. */
function mondayOf(day: string): string {
  const noon = Date.parse(`${day}T12:00:00Z`);
  const since = (new Date(noon).getUTCDay() + 6) % 7;
  return new Date(noon - since * dayMs).toISOString().slice(0, 10);
}
