/** Days as whole numbers since 1970-01-01: arithmetic that no clock change can be in the way of. */
export type DayNumber = number;
export const dayMs = 86_400_000;

/** The day of a calendar date; undefined for a text that is none, `2026-02-30` too. */
export function dayNumberOf(text: string): DayNumber | undefined {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) return undefined;
  return ms / dayMs;
}

export const dateText = (day: DayNumber): string => new Date(day * dayMs).toISOString().slice(0, 10);

/** 0 = Monday. */
export const weekdayOf = (day: DayNumber): number => (((day + 3) % 7) + 7) % 7;

export interface DayOfMonth {
  /** 1–12. */
  readonly month: number;
  /** 1–31. */
  readonly day: number;
  /** 28–31. */
  readonly lastDay: number;
}

export function dayOfMonth(day: DayNumber): DayOfMonth {
  const date = new Date(day * dayMs);
  const month = date.getUTCMonth();
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
  return { month: month + 1, day: date.getUTCDate(), lastDay };
}

/** `02:00` or `02:00:30` → seconds of the day; undefined for a text that is none. */
export function secondsOfClock(text: string): number | undefined {
  const [, hour, minute, second = '0'] = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text) ?? [];
  return hour === undefined ? undefined : Number(hour) * 3600 + Number(minute) * 60 + Number(second);
}
