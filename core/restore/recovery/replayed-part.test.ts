import { expect, test } from 'vitest';
import { microsOfInstant, parseInstant } from '#core/instant.ts';
import type { RestoreTarget } from '#core/restore/target.ts';
import type { NotableRecord } from '#core/wal/log-record.ts';
import { formatLsn } from '#core/wal/lsn.ts';
import { ReplayedPart } from './replayed-part.ts';

const noon = parseInstant('2026-11-22T12:00:00Z');
const second = 1_000_000;
const end = (xid: number, seconds: number, isCommit = true): NotableRecord => ({
  ...{ kind: 'end', isCommit, xid },
  atMicros: microsOfInstant(noon) + seconds * second,
});
const tablespace: NotableRecord = { kind: 'tablespace', oid: 7, path: '/p' };
const point = (name: string): NotableRecord => ({ kind: 'restore-point', name, atMicros: 0 });

/** Records of 10 bytes from position 100 on: which of them are replayed. */
function replayed(
  setting: RestoreTarget,
  records: readonly NotableRecord[],
  { mustReach = 0, from = 0 } = {},
): readonly boolean[] {
  const part = new ReplayedPart({ setting, mustReach: formatLsn(mustReach) }, formatLsn(from));
  return records.map((record, i) => part.includes(record, { position: 100 + 10 * i, previous: 90 + 10 * i }));
}

test('K-095 up to a time all is replayed before the first commit or abort behind it', () => {
  const records = [end(1, -1), tablespace, end(2, 0), tablespace, end(3, 1, false), tablespace, end(4, -5)];
  const target = { at: 'time', time: noon, isInclusive: true } as const;
  expect(replayed(target, records)).toEqual([true, true, true, true, false, false, false]);
});

test('K-096 up to an LSN the first record that begins at or behind it is the last', () => {
  const records = Array.from({ length: 4 }, () => tablespace);
  const to = (lsn: number) => replayed({ at: 'lsn', lsn: formatLsn(lsn), isInclusive: true }, records);
  expect(to(110)).toEqual([true, true, false, false]);
  expect(to(111)).toEqual([true, true, true, false]);
  expect(to(100)).toEqual([true, false, false, false]);
  expect(replayed({ at: 'immediate' }, records, { mustReach: 110 })).toEqual([true, true, false, false]);
});

test('K-097 a transaction and a named point are the last that is replayed, and latest is everything', () => {
  const records = [end(5, 0), tablespace, point('a'), tablespace];
  expect(replayed({ at: 'xid', xid: '5', isInclusive: true }, records)).toEqual([true, false, false, false]);
  expect(replayed({ at: 'name', name: 'a' }, records)).toEqual([true, true, true, false]);
  expect(replayed({ at: 'latest' }, records)).toEqual([true, true, true, true]);
  expect(replayed({ at: 'latest' }, records, { from: 120 })).toEqual([false, false, true, true]);
});
