import type { Brand } from './id.ts';
import { fail } from './errors/fail.ts';

/** A moment as RFC 3339 text in UTC with microseconds: `2026-11-21T08:12:20.918000Z`. Sorts as text. */
export type Instant = Brand<string, 'Instant'>;

const shape = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)$/;

/** Microseconds since 1970 (exact below the year 2255) to an instant. */
export function instantFromMicros(micros: number): Instant {
  const whole = Math.floor(micros / 1_000_000);
  const fraction = String(micros - whole * 1_000_000).padStart(6, '0');
  return `${new Date(whole * 1000).toISOString().slice(0, 19)}.${fraction}Z` as Instant;
}

/** Microseconds since 1970 of an instant. */
export function microsOfInstant(instant: Instant): number {
  return Date.parse(`${instant.slice(0, 19)}Z`) * 1000 + Number(instant.slice(20, 26));
}

/** Milliseconds since 1970 to an instant. */
export const instantFromMs = (ms: number): Instant => instantFromMicros(Math.round(ms * 1000));

/**
 * Parses a time that names its zone (`Z` or an offset); seconds may be left out. Throws `value_malformed` without one: a time without
 * zone is the classic way to restore to the wrong hour (peers.md §5 item 23). A day or hour that does not exist is refused, too: for
 * 30 February the language itself would answer 2 March.
 */
export function parseInstant(text: string): Instant {
  const m = shape.exec(text.trim());
  if (m === null)
    throw fail('value_malformed', { text, what: 'time with zone', expected: '2026-11-21 08:12:20.918+08 or …Z' });
  const [, day = '', minute = '', second = '00', fraction = '', zone = ''] = m;
  const local = Date.parse(`${day}T${minute}:${second}Z`);
  const ms = Date.parse(`${day}T${minute}:${second}${zoneOf(zone)}`);
  const isReal = !Number.isNaN(ms) && new Date(local).toISOString().startsWith(`${day}T${minute}`);
  if (!isReal)
    throw fail('value_malformed', { text, what: 'time', expected: 'a day and a time of day that exist, with a zone' });
  return instantFromMicros(ms * 1000 + Number(fraction.padEnd(6, '0')));
}

/** `+08`, `+0800` → `+08:00`. */
const zoneOf = (zone: string): string =>
  zone.replace(/^([+-]\d{2}):?(\d{2})?$/, (_whole, hours: string, minutes?: string) => `${hours}:${minutes ?? '00'}`);
