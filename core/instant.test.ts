import { expect, test } from 'vitest';
import { parseInstant } from './instant.ts';

test('peers.md §5 item 23: a time names its zone, seconds and fractions may be left out', () => {
  expect(parseInstant('2026-11-21 08:12:20.918+08')).toBe('2026-11-21T00:12:20.918000Z');
  expect(parseInstant('2026-11-21T08:12Z')).toBe('2026-11-21T08:12:00.000000Z');
  expect(parseInstant(' 2026-11-21 08:12:20 -0330 ')).toBe('2026-11-21T11:42:20.000000Z');
  expect(parseInstant('2028-02-29 23:59:59.000001+14:00')).toBe('2028-02-29T09:59:59.000001Z');
});

test.each([
  '2026-02-29 10:00Z',
  '2026-02-30 10:00:00+08',
  '2026-04-31 10:00Z',
  '2026-13-45 10:00Z',
  '2026-11-21 24:00Z',
])('a day or hour that does not exist is refused, not moved to another: %s', (text) => {
  expect(() => parseInstant(text)).toThrow(expect.objectContaining({ code: 'value_malformed' }));
});

test.each(['2026-11-21 08:12:20', '2026-11-21Z', 'yesterday', ''])(
  'what is no time with a zone is refused: %s',
  (text) => {
    expect(() => parseInstant(text)).toThrow(expect.objectContaining({ code: 'value_malformed' }));
  },
);
