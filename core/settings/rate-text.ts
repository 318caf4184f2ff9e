import { fail } from '../errors/fail.ts';
import type { RateLimits } from '../run/rate.ts';
import type { RateWindow, Weekday } from '../run/rate-window.ts';
import { isZone, weekdays } from '../run/rate-window.ts';

const units: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1_048_576, GiB: 1_073_741_824 };
const allDay = { fromHour: 0, toHour: 24 } as const;

/** `20MiB` or `20MiB/s` → bytes per second (K-085, K-086). Throws `value_malformed`. */
export function parseRate(text: string): number {
  const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)\s?(KiB|MiB|GiB)(?:\/s)?$/.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(count) * (units[unit] ?? 0));
  if (bytes < 1024) throw fail('value_malformed', { text, what: 'rate', expected: '500KiB, 20MiB or 1GiB per second' });
  return bytes;
}

/** A limit of one kind: what holds in windows, and otherwise. 0 = unlimited. */
export interface LimitText {
  readonly bytesPerSecond: number;
  readonly windows: readonly RateWindow[];
}

/**
 * `10MiB/s`, or parts separated by semicolons, each `[days] [hours] rate`, the first that fits counts, and the one without
 * days and hours holds otherwise: `mon-fri 08-18 10MiB/s; sat,sun unlimited; 50MiB/s`. Throws `value_malformed`.
 */
export function parseLimit(text: string, zone: string): LimitText {
  const malformed = () =>
    fail('value_malformed', {
      text,
      what: 'rate limit',
      expected: '10MiB/s, unlimited, or parts like "mon-fri 08-18 10MiB/s; 50MiB/s", the rate for all other hours last',
    });
  const parts = text.split(';').map((part) => part.trim().replace(/(\d)\s+(?=[KMG]iB)/g, '$1'));
  const windows: RateWindow[] = [];
  let otherwise: number | undefined;
  for (const part of parts) {
    const words = part.split(/\s+/);
    const rate = parseRateOrNone(words.pop() ?? '');
    if (otherwise !== undefined || words.length > 2) throw malformed();
    if (words.length === 0) otherwise = rate;
    else windows.push({ ...whenOf(words, malformed), zone, bytesPerSecond: rate });
  }
  if (windows.length > 0 && !isZone(zone))
    throw fail('value_malformed', { text: zone, what: 'time zone', expected: 'Asia/Shanghai or Europe/Berlin' });
  return { bytesPerSecond: otherwise ?? 0, windows };
}

const parseRateOrNone = (text: string): number => (text === 'unlimited' || text === '0' ? 0 : parseRate(text));

type When = Pick<RateWindow, 'weekdays' | 'fromHour' | 'toHour'>;

function whenOf(words: readonly string[], malformed: () => Error): When {
  const [first = '', second] = words;
  const isHours = /^\d/.test(first);
  if (isHours && second !== undefined) throw malformed();
  const days = isHours ? [...weekdays] : daysOf(first);
  const hours = hoursOf(isHours ? first : second);
  if (days === undefined || hours === undefined) throw malformed();
  return { weekdays: days, ...hours };
}

/** `mon`, `mon-fri`, `sat,sun`, `fri-mon` or `daily`. */
function daysOf(text: string): Weekday[] | undefined {
  if (text === 'daily') return [...weekdays];
  const days = new Set<Weekday>();
  for (const part of text.split(',')) {
    const [from, to = from, ...more] = part.split('-').map((name) => weekdays.findIndex((day) => day === name));
    if (from === undefined || to === undefined || from < 0 || to < 0 || more.length > 0) return undefined;
    for (let at = from; ; at = (at + 1) % 7) {
      const day = weekdays[at];
      if (day !== undefined) days.add(day);
      if (at === to) break;
    }
  }
  return weekdays.filter((day) => days.has(day));
}

/** `08-18`, `8-18`, `08:00-18:00`; absent is the whole day. */
function hoursOf(text: string | undefined): Pick<RateWindow, 'fromHour' | 'toHour'> | undefined {
  if (text === undefined) return allDay;
  const [, from, to] = /^(\d{1,2})(?::00)?-(\d{1,2})(?::00)?$/.exec(text) ?? [];
  const hours = { fromHour: Number(from ?? NaN), toHour: Number(to ?? NaN) };
  const isGood = hours.fromHour <= 23 && hours.toHour >= 1 && hours.toHour <= 24 && hours.fromHour !== hours.toHour;
  return isGood ? hours : undefined;
}

/** What was typed for both kinds; what is absent is not spoken of. `zone` is that of the hours. Throws `value_malformed`. */
export function parseLimits(typed: {
  readonly transfer?: string | undefined;
  readonly disk?: string | undefined;
  readonly zone: string;
}): RateLimits {
  const transfer = typed.transfer === undefined ? undefined : parseLimit(typed.transfer, typed.zone);
  const disk = typed.disk === undefined ? undefined : parseLimit(typed.disk, typed.zone);
  return {
    ...(transfer === undefined ? {} : { transferBytesPerSecond: transfer.bytesPerSecond }),
    ...(transfer === undefined || transfer.windows.length === 0 ? {} : { transferWindows: transfer.windows }),
    ...(disk === undefined ? {} : { diskBytesPerSecond: disk.bytesPerSecond }),
    ...(disk === undefined || disk.windows.length === 0 ? {} : { diskWindows: disk.windows }),
  };
}

/** `10MiB/s` in the largest unit that says it without a fraction, `unlimited` for 0. */
export function formatRate(bytesPerSecond: number): string {
  if (bytesPerSecond === 0) return 'unlimited';
  const unit = ['GiB', 'MiB'].find((name) => bytesPerSecond % (units[name] ?? 1) === 0) ?? 'KiB';
  return `${String(Math.round((bytesPerSecond / (units[unit] ?? 1)) * 10) / 10)}${unit}/s`;
}

/** A limit as `parseLimit` reads it, with the zone of its hours in words. */
export function formatLimit(bytesPerSecond: number, windows: readonly RateWindow[]): string {
  const two = (hour: number): string => String(hour).padStart(2, '0');
  const parts = windows.map(
    (window) =>
      `${window.weekdays.join(',')} ${two(window.fromHour)}-${two(window.toHour)} ${formatRate(window.bytesPerSecond)}`,
  );
  const [first] = windows;
  return [...parts, formatRate(bytesPerSecond)].join('; ') + (first === undefined ? '' : ` (${first.zone})`);
}

/** What of limits is said, e.g. `transfer 2MiB/s, disk unlimited`; nothing when nothing is. */
export function formatLimits(limits: RateLimits): string {
  const { transferBytesPerSecond: transfer, transferWindows = [], diskBytesPerSecond: disk, diskWindows = [] } = limits;
  return [
    ...(transfer === undefined && transferWindows.length === 0
      ? []
      : [`transfer ${formatLimit(transfer ?? 0, transferWindows)}`]),
    ...(disk === undefined && diskWindows.length === 0 ? [] : [`disk ${formatLimit(disk ?? 0, diskWindows)}`]),
  ].join(', ');
}
