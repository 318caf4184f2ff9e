import { describe, expect, test } from 'vitest';
import { parseTarget } from './parse-target.ts';

const thrown = (code: string): Error => expect.objectContaining({ code }) as Error;

describe('a restore target as typed', () => {
  test('K-095 a time with any zone is kept as the same moment in UTC', () => {
    expect(parseTarget({ time: '2026-11-21 08:12:20.918+08' })).toEqual({
      at: 'time',
      time: '2026-11-21T00:12:20.918000Z',
      isInclusive: true,
    });
    expect(parseTarget({ time: '2026-11-21T00:12:20Z', isExclusive: true })).toEqual({
      at: 'time',
      time: '2026-11-21T00:12:20.000000Z',
      isInclusive: false,
    });
  });
  test.each(['2026-11-21 08:12:20', '2026-11-21T08:12:20.5', '2026-11-21'])(
    'a time without zone is refused: %s',
    (time) => {
      expect(() => parseTarget({ time })).toThrow(thrown('time_without_zone'));
    },
  );
  test('every other kind of point is taken', () => {
    expect(parseTarget({ lsn: '0/3000028' })).toEqual({ at: 'lsn', lsn: '0/3000028', isInclusive: true });
    expect(parseTarget({ xid: '761', isExclusive: true })).toEqual({ at: 'xid', xid: '761', isInclusive: false });
    expect(parseTarget({ name: 'before the release' })).toEqual({ at: 'name', name: 'before the release' });
    expect(parseTarget({ isImmediate: true })).toEqual({ at: 'immediate' });
    expect(parseTarget({ isLatest: true })).toEqual({ at: 'latest' });
  });
  test('none or two points are refused', () => {
    expect(() => parseTarget({})).toThrow(thrown('target_unclear'));
    expect(() => parseTarget({ isLatest: true, lsn: '0/1' })).toThrow(thrown('target_unclear'));
  });
  test.each([
    { lsn: '3000028' },
    { xid: '0' },
    { xid: '4294967296' },
    { xid: '-1' },
    { name: '' },
    { name: 'a\nb' },
    { name: '数'.repeat(22) },
  ])('what the server would misread is refused: %j', (text) => {
    expect(() => parseTarget(text)).toThrow(thrown('value_malformed'));
  });
});
