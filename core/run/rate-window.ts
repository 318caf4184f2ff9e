/** Days of the week, Monday first. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** Hours of some weekdays in which a rate of its own holds (K-085, K-086, K-110). */
export interface RateWindow {
  readonly weekdays: readonly Weekday[];
  /** Wall-clock hours in `zone`, half-open: 0–23 and 1–24. With `fromHour` ≥ `toHour` it goes on over midnight and belongs to the day on which it begins. */
  readonly fromHour: number;
  readonly toHour: number;
  /** Name of the IANA time zone database, e.g. `Asia/Shanghai`. */
  readonly zone: string;
  /** 0 = unlimited. */
  readonly bytesPerSecond: number;
}

interface WallTime {
  /** 0 = Monday. */
  readonly day: number;
  readonly hour: number;
}

/** Making a format takes a hundred times as long as using it, and the same few zones are asked for all day. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: 'numeric',
    hourCycle: 'h23',
  });
  formats.set(zone, made);
  return made;
}

/** What a clock on the wall shows in a zone; the hours that daylight saving skips or repeats are skipped or repeated here too. */
function wallTime(zone: string, atMs: number): WallTime {
  const parts = formatOf(zone).formatToParts(atMs);
  const textOf = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  const day = weekdays.findIndex((name) => name === textOf('weekday').toLowerCase());
  return { day, hour: Number(textOf('hour')) };
}

/** True for a zone that this program knows. */
export function isZone(zone: string): boolean {
  if (zone === '') return false;
  try {
    formatOf(zone);
    return true;
  } catch {
    // RangeError: no such zone.
    return false;
  }
}

function holds(window: RateWindow, { day, hour }: WallTime): boolean {
  const { fromHour, toHour } = window;
  const isOn = (at: number): boolean => window.weekdays.some((name) => weekdays.indexOf(name) === (at + 7) % 7);
  if (fromHour < toHour) return isOn(day) && hour >= fromHour && hour < toHour;
  return (isOn(day) && hour >= fromHour) || (isOn(day - 1) && hour < toHour);
}

/**
 * The rate in force at a moment (milliseconds since 1970): that of the first window that holds it, else `otherwise`.
 * Undefined = unlimited. Throws `RangeError` for a zone that `isZone` refuses.
 */
export function limitAt(
  windows: readonly RateWindow[],
  otherwise: number | undefined,
  atMs: number,
): number | undefined {
  const found = windows.find((window) => holds(window, wallTime(window.zone, atMs)));
  const rate = found === undefined ? otherwise : found.bytesPerSecond;
  return rate === 0 ? undefined : rate;
}
