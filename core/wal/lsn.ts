import type { Brand } from '../id.ts';
import { fail } from '../errors/fail.ts';

/** A log sequence number as PostgreSQL prints it: `0/3000028`. Text crosses every wire; compute with `lsnToNumber`. */
export type Lsn = Brand<string, 'Lsn'>;

const shape = /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i;

/** Parses `X/Y` hexadecimal text. Throws `value_malformed`. */
export function parseLsn(text: string): Lsn {
  if (!shape.test(text)) throw fail('value_malformed', { text, what: 'LSN', expected: '0/3000028' });
  return formatLsn(lsnToNumber(text as Lsn));
}

/** Byte position of an LSN. Exact below 2^53 (8 PiB of log). */
export function lsnToNumber(lsn: Lsn): number {
  const [high = '', low = ''] = lsn.split('/');
  return parseInt(high, 16) * 4294967296 + parseInt(low, 16);
}

/** The LSN at a byte position. */
export const formatLsn = (position: number): Lsn =>
  `${Math.floor(position / 4294967296)
    .toString(16)
    .toUpperCase()}/${(position >>> 0).toString(16).toUpperCase()}` as Lsn;

/** Negative, zero or positive as `a` lies before, at or after `b`. */
export const compareLsn = (a: Lsn, b: Lsn): number => lsnToNumber(a) - lsnToNumber(b);
