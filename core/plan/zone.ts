import type { DayNumber } from './civil.ts';
import { dayMs } from './civil.ts';

/** Milliseconds that a wall clock in a zone is ahead of UTC, at a moment. */
export type OffsetAt = (ms: number) => number;

/** A change of the offset: the first moment of the new one, and both. */
export interface Transition {
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

/** A zone with its clock changes, looked up once per year of UTC. */
export interface Zone {
  offsetAt: OffsetAt;
  /** Changes after `from` up to and including `to`, oldest first. */
  transitions(from: number, to: number): readonly Transition[];
}

const zones = new Map<string, Zone>();

/** Throws `RangeError` for a zone that `isZone` (core/run/rate-window.ts) refuses. */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const made = openZone(offsetsOf(name));
  zones.set(name, made);
  return made;
}

/** What Intl says, without memory. */
export function offsetsOf(name: string): OffsetAt {
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric' } as const;
  const clock = { minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const;
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, ...numeric, ...clock });
  return (ms) => {
    const whole = Math.floor(ms / 1000) * 1000;
    const parts = new Map(format.formatToParts(whole).map(({ type, value }) => [type, Number(value)]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second')) - whole;
  };
}

interface Year {
  readonly from: number;
  readonly offset: number;
  readonly changes: readonly Transition[];
}

function openZone(offsetAt: OffsetAt): Zone {
  const years = new Map<number, Year>();
  const yearOf = (year: number): Year => {
    const known = years.get(year);
    if (known !== undefined) return known;
    const made = lookAtYear(offsetAt, year);
    years.set(year, made);
    return made;
  };
  const at = (ms: number): number => {
    const { offset, changes } = yearOf(new Date(ms).getUTCFullYear());
    return changes.reduce((found, change) => (change.at <= ms ? change.after : found), offset);
  };
  return {
    offsetAt: at,
    transitions: (from, to) => {
      const found: Transition[] = [];
      for (let year = new Date(from).getUTCFullYear(); year <= new Date(to).getUTCFullYear(); year++)
        found.push(...yearOf(year).changes.filter((change) => change.at > from && change.at <= to));
      return found;
    },
  };
}

/** Two changes within one day that cancel each other are not seen; no zone has them. */
function lookAtYear(offsetAt: OffsetAt, year: number): Year {
  const from = Date.UTC(year, 0, 1);
  const to = Date.UTC(year + 1, 0, 1);
  const changes: Transition[] = [];
  const first = offsetAt(from);
  let before = first;
  for (let at = from; at < to; at += dayMs) {
    const next = Math.min(at + dayMs, to - 1000);
    const after = offsetAt(next);
    if (after !== before) changes.push({ at: changeBetween(offsetAt, at, next), before, after });
    before = after;
  }
  // Why: a change in the very first second of a year belongs to that year.
  const previous = offsetAt(from - 1000);
  const newYear = previous === first ? [] : [{ at: from, before: previous, after: first }];
  return { from, offset: previous, changes: [...newYear, ...changes] };
}

/** The first second with the offset that holds at `to`. */
function changeBetween(offsetAt: OffsetAt, from: number, to: number): number {
  const wanted = offsetAt(to);
  let [low, high] = [from, to];
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (offsetAt(middle) === wanted) high = middle;
    else low = middle;
  }
  return high;
}

/** The moments that a wall clock shows a time of a day: one, two when it is set back, the first behind the gap when it jumps. */
export interface Moments {
  readonly first: number;
  readonly last: number;
}

/** `second` of the day: 0–86399. */
export function momentsOf(zone: Zone, day: DayNumber, second: number): Moments {
  const wall = day * dayMs + second * 1000;
  const near = zone.transitions(wall - 2 * dayMs, wall + 2 * dayMs);
  const offsets = new Set([zone.offsetAt(wall - 2 * dayMs), ...near.map(({ after }) => after)]);
  const shown = [...offsets].map((offset) => wall - offset).filter((ms) => ms + zone.offsetAt(ms) === wall);
  if (shown.length > 0) return { first: Math.min(...shown), last: Math.max(...shown) };
  const gap = near.find(({ at, before, after }) => at + before <= wall && wall < at + after);
  const behind = gap?.at ?? wall - zone.offsetAt(wall);
  return { first: behind, last: behind };
}

/** The day that a wall clock shows at a moment, and the second of that day. */
export function wallOf(zone: Zone, ms: number): { readonly day: DayNumber; readonly second: number } {
  const wall = Math.floor((ms + zone.offsetAt(ms)) / 1000);
  const day = Math.floor(wall / 86_400);
  return { day, second: wall - day * 86_400 };
}
