import { fail } from '../errors/fail.ts';
import { parseId } from '../id.ts';
import { parseInstant } from '../instant.ts';
import { parseLsn } from '../wal/lsn.ts';
import type { RestoreTarget } from './target.ts';
import { cutText } from '../text.ts';

/** A target as an operator types it (CLI flags, API fields): exactly one of the first six. */
export interface TargetText {
  /** Time with zone. */
  readonly time?: string | undefined;
  readonly lsn?: string | undefined;
  readonly xid?: string | undefined;
  readonly name?: string | undefined;
  readonly isImmediate?: boolean | undefined;
  readonly isLatest?: boolean | undefined;
  /** Set of an immediate target. */
  readonly set?: string | undefined;
  /** Stop just before the point instead of just after it. */
  readonly isExclusive?: boolean | undefined;
}

/** A time without zone: the shape that `parseInstant` refuses for that reason alone. */
const zoneless = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?$/;

/**
 * Turns what was typed into a target (K-095…K-097). Throws `target_unclear` unless exactly one point is named,
 * `time_without_zone` (peers.md §5 item 23), `value_malformed`, `id_malformed`.
 */
export function parseTarget(text: TargetText): RestoreTarget {
  const isInclusive = text.isExclusive !== true;
  const named: RestoreTarget[] = [];
  if (text.time !== undefined) named.push({ at: 'time', time: parseTargetTime(text.time), isInclusive });
  if (text.lsn !== undefined) named.push({ at: 'lsn', lsn: parseLsn(text.lsn), isInclusive });
  if (text.xid !== undefined) named.push({ at: 'xid', xid: parseXid(text.xid), isInclusive });
  if (text.name !== undefined) named.push({ at: 'name', name: parseName(text.name) });
  if (text.isImmediate === true)
    named.push(text.set === undefined ? { at: 'immediate' } : { at: 'immediate', setId: parseId('set', text.set) });
  if (text.isLatest === true) named.push({ at: 'latest' });
  const [target] = named;
  if (target === undefined) throw fail('target_unclear', { found: 'no point is named' });
  if (named.length > 1)
    throw fail('target_unclear', { found: `${named.map((one) => one.at).join(' and ')} are named at once` });
  return target;
}

function parseTargetTime(text: string) {
  if (zoneless.test(text.trim())) throw fail('time_without_zone', { text: text.trim() });
  return parseInstant(text);
}

function parseXid(text: string): string {
  if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > 4294967295) {
    throw fail('value_malformed', {
      text: cutText(text, 40),
      what: 'transaction id',
      expected: 'a number from 1 to 4294967295',
    });
  }
  return text;
}

/** The server truncates names to 63 bytes and takes any character; a line break or a quote would not survive its settings file. */
function parseName(text: string): string {
  if (text === '' || /[\u0000-\u001f]/.test(text) || new TextEncoder().encode(text).length > 63) {
    throw fail('value_malformed', {
      text: cutText(text, 80),
      what: 'restore point name',
      expected: '1 to 63 bytes without line breaks',
    });
  }
  return text;
}
