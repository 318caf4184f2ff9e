import type { LogBound } from './log-restore-plan.ts';
import { parseTarget } from '../restore/parse-target.ts';
import { fail } from '../errors/fail.ts';

/** An end of a range as it is typed: a time with its zone, or an LSN. Throws `time_without_zone`, `value_malformed`. */
export function parseBound(text: string): LogBound {
  const isLsn = /^[0-9A-Fa-f]+\/[0-9A-Fa-f]+$/.test(text.trim());
  const target = parseTarget(isLsn ? { lsn: text.trim() } : { time: text });
  if (target.at === 'lsn') return { at: 'lsn', lsn: target.lsn };
  if (target.at === 'time') return { at: 'time', time: target.time };
  throw fail('value_malformed', { text, what: 'end of a range', expected: 'a time with its zone or an LSN' });
}
