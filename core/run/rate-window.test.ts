import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RateWindow } from './rate-window.ts';
import { isZone, limitAt, weekdays } from './rate-window.ts';

const hourMs = 3_600_000;
/**
 * Offsets from UTC in hours during 2026 and 2027, with the instants at which they change, from the tables of the zones:
 * an oracle that shares nothing with the implementation.
 */
const zones: Readonly<Record<string, readonly (readonly [from: string, offset: number])[]>> = {
  UTC: [['2026-01-01T00:00Z', 0]],
  'Asia/Shanghai': [['2026-01-01T00:00Z', 8]],
  'America/New_York': [
    ['2026-01-01T00:00Z', -5],
    ['2026-03-08T07:00Z', -4],
    ['2026-11-01T06:00Z', -5],
    ['2027-03-14T07:00Z', -4],
    ['2027-11-07T06:00Z', -5],
  ],
  'Europe/Berlin': [
    ['2026-01-01T00:00Z', 1],
    ['2026-03-29T01:00Z', 2],
    ['2026-10-25T01:00Z', 1],
    ['2027-03-28T01:00Z', 2],
    ['2027-10-31T01:00Z', 1],
  ],
  'Australia/Lord_Howe': [
    ['2026-01-01T00:00Z', 11],
    ['2026-04-04T15:00Z', 10.5],
    ['2026-10-03T15:30Z', 11],
    ['2027-04-03T15:00Z', 10.5],
    ['2027-10-02T15:30Z', 11],
  ],
};
const zoneNames = Object.keys(zones);
const offsetAt = (zone: string, atMs: number): number =>
  (zones[zone] ?? []).findLast(([from]) => Date.parse(from) <= atMs)?.[1] ?? 0;
/** Hour of the week on the wall, 0 = Monday 00:00. The first of January 1970 was a Thursday. */
const hourOfWeek = (zone: string, atMs: number): number =>
  (Math.floor((atMs + offsetAt(zone, atMs) * hourMs) / hourMs) + 3 * 24) % 168;

const anyWindow: fc.Arbitrary<RateWindow> = fc
  .record({
    weekdays: fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1 }),
    fromHour: fc.integer({ min: 0, max: 23 }),
    toHour: fc.integer({ min: 1, max: 24 }),
    zone: fc.constantFrom(...zoneNames),
    bytesPerSecond: fc.integer({ min: 0, max: 1e9 }),
  })
  .filter(({ fromHour, toHour }) => fromHour !== toHour);
/** Any instant of the two years, and often one within an hour of a change of daylight saving. */
const anyInstant = fc.oneof(
  fc.integer({ min: Date.parse('2026-01-02T00:00Z'), max: Date.parse('2027-12-30T00:00Z') }),
  fc
    .tuple(
      fc.constantFrom(
        ...Object.values(zones)
          .flatMap((changes) => changes.slice(1))
          .map(([from]) => from),
      ),
      fc.integer({ min: -26 * hourMs, max: 26 * hourMs }),
    )
    .map(([from, away]) => Date.parse(from) + away),
);

/** The hours of the week that a window holds, one by one. */
function hoursOf({ weekdays: days, fromHour, toHour }: RateWindow): Set<number> {
  const hours = new Set<number>();
  const length = toHour > fromHour ? toHour - fromHour : toHour + 24 - fromHour;
  for (const day of days) for (let i = 0; i < length; i++) hours.add((weekdays.indexOf(day) * 24 + fromHour + i) % 168);
  return hours;
}

test('K-085 K-086 at every instant the first window that holds the wall-clock hour counts, over changes of daylight saving too', () => {
  fc.assert(
    fc.property(
      fc.array(anyWindow, { maxLength: 4 }),
      fc.option(fc.integer({ min: 1 }), { nil: undefined }),
      anyInstant,
      (windows, otherwise, at) => {
        const found = windows.find((window) => hoursOf(window).has(hourOfWeek(window.zone, at)));
        const expected = found === undefined ? otherwise : found.bytesPerSecond;
        expect(limitAt(windows, otherwise, at)).toBe(expected === 0 ? undefined : expected);
      },
    ),
    { numRuns: 2000 },
  );
});

const window = (changes: Partial<RateWindow>): RateWindow => ({
  ...{ weekdays: [...weekdays], fromHour: 0, toHour: 24, zone: 'America/New_York', bytesPerSecond: 5 },
  ...changes,
});

test('K-085 a window over the hour that spring skips holds the hours that exist, one over the hour that autumn repeats holds both', () => {
  const night = [window({ fromHour: 1, toHour: 3 })];
  const hoursHeld = (from: string): number =>
    Array.from({ length: 12 }, (_, i) => Date.parse(from) + i * hourMs).filter((at) => limitAt(night, 1, at) === 5)
      .length;
  expect(hoursHeld('2027-03-14T04:00Z')).toBe(1);
  expect(hoursHeld('2027-11-07T03:00Z')).toBe(3);
  expect(hoursHeld('2027-06-01T03:00Z')).toBe(2);
});

test('K-085 a window over midnight belongs to the day on which it begins', () => {
  const monday = [window({ weekdays: ['mon'], fromHour: 22, toHour: 6, zone: 'Asia/Shanghai' })];
  const at = (wall: string): number | undefined => limitAt(monday, undefined, Date.parse(`${wall}+08:00`));
  expect(at('2026-11-23T21:59:59')).toBeUndefined();
  expect(at('2026-11-23T22:00:00')).toBe(5);
  expect(at('2026-11-24T05:59:59')).toBe(5);
  expect(at('2026-11-24T06:00:00')).toBeUndefined();
  expect(at('2026-11-23T03:00:00')).toBeUndefined();
});

test('K-085 a zone that does not exist is known as such', () => {
  expect(zoneNames.every((name) => isZone(name))).toBe(true);
  for (const name of ['', 'Mars/Olympus', 'Asia/Shanghai ']) expect(isZone(name)).toBe(false);
});
