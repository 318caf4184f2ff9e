import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Instant } from '#core/instant.ts';
import { parseInstant } from '#core/instant.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { codeOf } from '#agent/file-system.ts';
import { cutText } from '#core/text.ts';

const tailBytes = 64 * 1024;

/** The end of a server log; '' when there is none. */
export function logTail(path: string, from = 0): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
  try {
    const size = fstatSync(file).size;
    const begin = Math.max(from, size - tailBytes);
    const bytes = Buffer.alloc(Math.max(0, size - begin));
    const got = readSync(file, bytes, 0, bytes.length, begin);
    return bytes.subarray(0, got).toString('utf8');
  } finally {
    closeSync(file);
  }
}

/** The last lines that say why a server ended: complaints first, then whatever there is. */
export function lastWords(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling = lines.filter((line) =>
    /FATAL|PANIC|ERROR|HINT|DETAIL|recovery stopping|last completed transaction/.test(line),
  );
  return cutText((telling.length > 0 ? telling : lines).slice(-6).join(' | '), 1500) || 'none';
}

/** The server could not write for want of room (ENOSPC, EDQUOT as strerror says them in the C locale). */
export const isDiskFull = (text: string): boolean => /No space left on device|Disk quota exceeded/.test(text);

export const isShort = (text: string): boolean =>
  text.includes('recovery ended before configured recovery target was reached');

/** Commit time of the last transaction replayed, as the server says it; undefined when it replayed none. */
export function lastTransaction(text: string): Instant | undefined {
  const stop = /recovery stopping (?:before|after) (?:commit|abort) of transaction \d+, time (\S+ \S+)/.exec(text);
  const found = [...text.matchAll(/last completed transaction was at log time (\S+ \S+)/g)].slice(-1)[0]?.[1];
  const after = stop?.[0].includes('stopping after') === true ? stop[1] : undefined;
  const time = found ?? after;
  return time === undefined ? undefined : parseInstant(time.replace(/\+00$/, '+00:00'));
}

/**
 * Where a standby began to stream; undefined when it does not, or its receiver has failed since. The process itself names a
 * place only when something came: a primary that writes nothing sends nothing.
 */
export function streamBegan(text: string): Lsn | undefined {
  const last = [...text.matchAll(/started streaming WAL from primary at ([0-9A-F]+\/[0-9A-F]+)/g)].slice(-1)[0];
  if (last?.[1] === undefined || /FATAL|replication terminated/.test(text.slice(last.index))) return undefined;
  return parseLsn(last[1]);
}
