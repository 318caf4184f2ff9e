import { fail } from '../errors/fail.ts';
import type { RateLimits } from '../run/rate.ts';

const units: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1_048_576, GiB: 1_073_741_824 };

/** `20MiB` or `20MiB/s` → bytes per second (K-085, K-086). Throws `value_malformed`. */
export function parseRate(text: string): number {
  const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)\s?(KiB|MiB|GiB)(?:\/s)?$/.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(count) * (units[unit] ?? 0));
  if (bytes < 1024) throw fail('value_malformed', { text, what: 'rate', expected: '500KiB, 20MiB or 1GiB per second' });
  return bytes;
}

/** Limits from what was typed; what is absent or `unlimited` stays unlimited. */
export function parseLimits({
  transfer,
  disk,
}: {
  readonly transfer?: string | undefined;
  readonly disk?: string | undefined;
}): RateLimits {
  const isSet = (text: string | undefined): text is string => text !== undefined && text !== 'unlimited';
  return {
    ...(isSet(transfer) ? { transferBytesPerSecond: parseRate(transfer) } : {}),
    ...(isSet(disk) ? { diskBytesPerSecond: parseRate(disk) } : {}),
  };
}
