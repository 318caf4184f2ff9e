import fc from 'fast-check';
import { expect, test } from 'vitest';
import { weekdays } from '../run/rate-window.ts';
import { formatLimit, formatLimits, formatRate, parseLimit, parseLimits, parseRate } from './rate-text.ts';
import { rateLimitsShape } from './shape/progress.ts';

const zone = 'Asia/Shanghai';
const mebi = 1_048_576;
const workdays = ['mon', 'tue', 'wed', 'thu', 'fri'];

test('K-085 rates are read in KiB, MiB and GiB per second', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4000 }), (n) => {
      expect(parseRate(`${String(n)}KiB`)).toBe(n * 1024);
      expect(parseRate(`${String(n)}MiB/s`)).toBe(n * mebi);
      expect(parseRate(formatRate(n * 1024))).toBe(n * 1024);
    }),
  );
  for (const text of ['', '5', '5MB', '-1MiB', '0KiB']) expect(() => parseRate(text)).toThrow();
  expect(parseLimits({ transfer: 'unlimited', disk: '1GiB', zone })).toEqual({
    transferBytesPerSecond: 0,
    diskBytesPerSecond: 1_073_741_824,
  });
});

test('K-085 a limit is read with its windows: days, hours, rate, and what holds otherwise', () => {
  expect(parseLimit('mon-fri 08-18 10MiB/s; 50MiB/s', zone)).toEqual({
    bytesPerSecond: 50 * mebi,
    windows: [{ weekdays: workdays, fromHour: 8, toHour: 18, zone, bytesPerSecond: 10 * mebi }],
  });
  expect(parseLimit('22:00-6:00 unlimited; sat,sun 100 MiB; 5 MiB/s', zone)).toEqual({
    bytesPerSecond: 5 * mebi,
    windows: [
      { weekdays: [...weekdays], fromHour: 22, toHour: 6, zone, bytesPerSecond: 0 },
      { weekdays: ['sat', 'sun'], fromHour: 0, toHour: 24, zone, bytesPerSecond: 100 * mebi },
    ],
  });
  expect(parseLimit('fri-mon 10MiB', zone).windows[0]?.weekdays).toEqual(['mon', 'fri', 'sat', 'sun']);
  expect(parseLimit('10MiB/s', '')).toEqual({ bytesPerSecond: 10 * mebi, windows: [] });
});

test('K-085 a limit that cannot be meant is refused with an example', () => {
  const wrong = ['', 'mon', 'mon-fri 08-18', '50MiB/s; mon 5MiB', '5MiB; 6MiB', 'moon 5MiB', '08-08 5MiB', '24-6 5MiB'];
  for (const text of [...wrong, '08-25 5MiB', '08-18 mon 5MiB', 'mon 08-18 x 5MiB', 'mon-tue-wed 5MiB', '08:30-9 5MiB'])
    expect(() => parseLimit(text, zone), text).toThrow(/not a valid/);
  expect(() => parseLimit('mon 5MiB', 'Mars/Olympus')).toThrow(/not a valid time zone/);
});

test('K-085 K-086 what a limit prints is read back as the same limit, and every limit that is read passes its shape', () => {
  const anyPart = fc.tuple(
    fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1 }),
    fc.integer({ min: 0, max: 23 }),
    fc.integer({ min: 1, max: 24 }),
    fc.integer({ min: 0, max: 4000 }),
  );
  fc.assert(
    fc.property(fc.array(anyPart, { maxLength: 4 }), fc.integer({ min: 0, max: 4000 }), (parts, otherwise) => {
      const windows = parts
        .filter(([, from, to]) => from !== to)
        .map(([days, fromHour, toHour, kibi]) => {
          const sorted = weekdays.filter((day) => days.includes(day));
          return { weekdays: sorted, fromHour, toHour, zone, bytesPerSecond: kibi * 1024 };
        });
      const text = formatLimit(otherwise * 1024, windows).replace(/ \(.*\)$/, '');
      expect(parseLimit(text, zone)).toEqual({ bytesPerSecond: otherwise * 1024, windows });
      const limits = parseLimits({ transfer: text, disk: text, zone });
      expect(rateLimitsShape.parse(limits)).toEqual(limits);
    }),
  );
  const of = (fromHour: number) => [{ weekdays: ['mon'], fromHour, toHour: 8, zone, bytesPerSecond: 5000 }];
  expect(rateLimitsShape.safeParse({ diskWindows: of(7) }).success).toBe(true);
  expect(rateLimitsShape.safeParse({ diskWindows: of(8) }).success).toBe(false);
  expect(rateLimitsShape.safeParse({ diskBytesPerSecond: 5 }).success).toBe(false);
});

test('K-085 K-086 limits are said by kind, and only those that are spoken of', () => {
  expect(formatLimits({ transferBytesPerSecond: 2 * 1_048_576 })).toBe('transfer 2MiB/s');
  expect(formatLimits({ diskBytesPerSecond: 0 })).toBe('disk unlimited');
  expect(formatLimits(parseLimits({ transfer: 'mon 08-18 1MiB/s; 5MiB/s', disk: '1GiB/s', zone: 'UTC' }))).toBe(
    'transfer mon 08-18 1MiB/s; 5MiB/s (UTC), disk 1GiB/s',
  );
  expect(formatLimits({})).toBe('');
});
