import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';
import { formatLsn } from './lsn.ts';
import { LogReader } from './read-segment.ts';

const segmentBytes = 1 << 20;
const pageBytes = 8192;
const firstPosition = 5 * segmentBytes;

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Lays records into pages as the server does (`CopyXLogRecordToWAL`); a second, independent description of the format. */
class LogWriter {
  readonly bytes: Uint8Array;
  /** Offsets that belong to records. */
  readonly spans: Span[] = [];
  readonly begins: number[] = [];
  #at = 0;
  #previous = 0;
  readonly #view: DataView;

  constructor(segments: number) {
    this.bytes = new Uint8Array(segments * segmentBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  get position(): number {
    return firstPosition + this.#at;
  }

  #header(missing: number): void {
    const at = this.#at;
    const isLong = at % segmentBytes === 0;
    this.#view.setUint16(at, 0xd110, true);
    this.#view.setUint16(at + 2, (missing > 0 ? 1 : 0) | (isLong ? 2 : 0), true);
    this.#view.setUint32(at + 4, 1, true);
    this.#view.setBigUint64(at + 8, BigInt(firstPosition + at), true);
    this.#view.setUint32(at + 16, missing, true);
    if (isLong) {
      this.#view.setBigUint64(at + 24, 7300000000000000001n, true);
      this.#view.setUint32(at + 32, segmentBytes, true);
      this.#view.setUint32(at + 36, pageBytes, true);
    }
    this.#at += isLong ? 40 : 24;
  }

  /** False when it no longer fits. */
  record(manager: number, info: number, main: Uint8Array): boolean {
    const length = 24 + 5 + main.length;
    const isSwitch = manager === 0 && info === 0x40;
    if (!isSwitch && this.#at + length * 1.01 > this.bytes.length - 2 * pageBytes) return false;
    if (this.#at % pageBytes === 0) this.#header(0);
    const record = this.#encode(manager, info, main);
    this.#previous = this.position;
    this.begins.push(this.#at);
    let done = 0;
    while (done < length) {
      if (this.#at % pageBytes === 0) this.#header(length - done);
      const part = Math.min(length - done, pageBytes - (this.#at % pageBytes));
      this.bytes.set(record.subarray(done, done + part), this.#at);
      this.spans.push({ from: this.#at, to: this.#at + part });
      this.#at += part;
      done += part;
    }
    this.#at = (this.#at + 7) & ~7;
    return true;
  }

  #encode(manager: number, info: number, main: Uint8Array): Uint8Array {
    const record = new Uint8Array(24 + 5 + main.length);
    const view = new DataView(record.buffer);
    view.setUint32(0, record.length, true);
    view.setUint32(4, 700 + this.begins.length, true);
    view.setBigUint64(8, BigInt(this.#previous), true);
    record[16] = info;
    record[17] = manager;
    record[24] = 254;
    view.setUint32(25, main.length, true);
    record.set(main, 29);
    const ordered = new Uint8Array([...record.subarray(24), ...record.subarray(0, 20)]);
    view.setUint32(20, crc32c(ordered), true);
    return record;
  }
}

const commit = (micros: number): Uint8Array => {
  const main = new Uint8Array(8);
  new DataView(main.buffer).setBigInt64(0, BigInt(micros), true);
  return main;
};

/** A log of `segments` segments filled with records of the given lengths, closed by a switch. */
const write = (segments: number, lengths: readonly number[]): LogWriter => {
  const log = new LogWriter(segments);
  for (let i = 0; log.record(10, 0, new Uint8Array(lengths[i % lengths.length] ?? 1).fill(i)); i++) {
    if (i % 7 === 0) log.record(1, 0, commit(i * 1_000_000));
  }
  log.record(0, 0x40, new Uint8Array(0));
  return log;
};

const segmentsOf = (log: LogWriter): Uint8Array[] =>
  Array.from({ length: log.bytes.length / segmentBytes }, (_, i) =>
    log.bytes.subarray(i * segmentBytes, (i + 1) * segmentBytes),
  );

const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 2000, max: 40_000 })), {
  minLength: 3,
  maxLength: 12,
});

describe('reading log', () => {
  test('every record of every laid out log is found, also across pages and segments', () => {
    fc.assert(
      fc.property(lengths, (sizes) => {
        const log = write(2, sizes);
        const reader = new LogReader();
        const readings = segmentsOf(log).map((bytes) => reader.read(bytes));
        expect(readings.map((reading) => reading?.ending)).toEqual(['full', 'switch']);
        expect(readings.reduce((sum, reading) => sum + (reading?.records ?? 0), 0)).toBe(log.begins.length);
        expect(readings[1]?.lastRecord).toBe(formatLsn(firstPosition + (log.begins[log.begins.length - 1] ?? 0)));
      }),
      { numRuns: 10 },
    );
  });

  test('K-049 every flipped bit inside a record ends the valid log there or before', () => {
    fc.assert(
      fc.property(lengths, fc.nat(), fc.nat(), fc.integer({ min: 0, max: 7 }), (sizes, pick, inside, bit) => {
        const log = write(2, sizes);
        const span = log.spans[pick % log.spans.length] ?? { from: 0, to: 1 };
        const at = span.from + (inside % (span.to - span.from));
        log.bytes[at] = (log.bytes[at] ?? 0) ^ (1 << bit);
        const reader = new LogReader();
        const stops = segmentsOf(log).map((bytes) => reader.read(bytes)?.stop);
        expect(stops.some((stop) => stop !== undefined)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('a segment read alone begins behind the rest of a record that it does not know', () => {
    const log = write(2, [30_000]);
    const reading = new LogReader().read(segmentsOf(log)[1] ?? new Uint8Array(0));
    expect(reading?.ending).toBe('switch');
    expect(reading?.hasUnknownBegin).toBe(true);
  });

  test('reading that begins at a record finds it and all behind it, as reading of the whole does', () => {
    fc.assert(
      fc.property(lengths, fc.nat(), (sizes, pick) => {
        const log = write(2, sizes);
        const begin = log.begins[pick % log.begins.length] ?? 0;
        const reader = new LogReader();
        const readings = segmentsOf(log)
          .slice(Math.floor(begin / segmentBytes))
          .map((bytes) => reader.read(bytes, undefined, { begin: firstPosition + begin }));
        const expected = log.begins.filter((at) => at >= begin);
        expect(readings.map((reading) => reading?.ending)).toEqual(
          begin < segmentBytes ? ['full', 'switch'] : ['switch'],
        );
        expect(readings.reduce((sum, reading) => sum + (reading?.records ?? 0), 0)).toBe(expected.length);
        expect(readings[0]).toMatchObject({ recordsFrom: formatLsn(firstPosition + begin), hasUnknownBegin: false });
        expect(readings.at(-1)?.lastRecord).toBe(formatLsn(firstPosition + (expected[expected.length - 1] ?? 0)));
      }),
      { numRuns: 4 },
    );
  });

  test('reading that begins where no record does ends there', () => {
    const log = write(1, [500]);
    const begin = (log.begins[300] ?? 0) + 8;
    const reading = new LogReader().read(log.bytes, undefined, { begin: firstPosition + begin });
    expect(reading).toMatchObject({ ending: 'early', records: 0, recordsTo: formatLsn(firstPosition + begin) });
  });

  test('only what is looked at is asked for: the header, then pages from the begin up to the switch', () => {
    const log = write(1, [500]);
    const begin = log.begins[1100] ?? 0;
    const asked: { from: number; to: number }[] = [];
    const need = (from: number, to: number): void => void asked.push({ from, to });
    const there = new LogReader().read(log.bytes, undefined, { begin: firstPosition + begin });
    const seen = new LogReader().read(log.bytes, undefined, { begin: firstPosition + begin, need });
    expect(seen).toEqual(there);
    expect(seen?.ending).toBe('switch');
    expect(asked[0]).toEqual({ from: 0, to: 64 });
    expect(asked[1]?.from).toBe(begin - (begin % pageBytes));
    const last = log.begins[log.begins.length - 1] ?? 0;
    expect(asked[asked.length - 1]?.to).toBe(last - (last % pageBytes) + pageBytes);
    const only = new Uint8Array(log.bytes.length).fill(0xff);
    for (const { from, to } of asked) only.set(log.bytes.subarray(from, to), from);
    expect(new LogReader().read(only, undefined, { begin: firstPosition + begin })).toEqual(there);
  });

  test('a truncated file and a zero-filled tail end early at the last whole record', () => {
    const [first = new Uint8Array(0)] = segmentsOf(write(2, [500]));
    const whole = new LogReader().read(first);
    const short = new LogReader().read(first.slice(0, 300_000));
    expect(short?.stop).toEqual({ reason: 'page-header', offset: Math.floor(300_000 / pageBytes) * pageBytes });
    const zeroed = first.slice();
    zeroed.fill(0, 400_000);
    const reading = new LogReader().read(zeroed);
    expect(reading?.ending).toBe('early');
    expect(reading?.records).toBeLessThan(whole?.records ?? 0);
    expect(new LogReader().read(new Uint8Array(100))).toBeUndefined();
  });

  test('stale records of a recycled file behind the end are not taken for log', () => {
    const old = write(1, [500]);
    const young = write(1, [490]);
    const mixed = old.bytes.slice();
    const cut = young.begins[700] ?? 0;
    mixed.set(young.bytes.subarray(0, cut), 0);
    const reading = new LogReader().read(mixed);
    expect(reading?.ending).toBe('early');
    expect(reading?.records).toBe(700);
  });

  test('time marks never lie behind a commit that is later than all before it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 50, maxLength: 300 }), (times) => {
        const log = new LogWriter(1);
        for (const time of times) {
          log.record(1, 0, commit(time * 1_000_000));
          log.record(10, 0, new Uint8Array(2000));
        }
        log.record(0, 0x40, new Uint8Array(0));
        const ends: { at: number; lsn: string }[] = [];
        const reading = new LogReader((end) => ends.push({ at: end.atMicros, lsn: end.lsn })).read(log.bytes);
        expect(ends.length).toBe(times.length);
        const latest = Math.max(...ends.map((end) => end.at));
        expect(reading?.marks[reading.marks.length - 1]?.at.slice(17, 19)).toBe(
          String((latest / 1e6) % 60).padStart(2, '0'),
        );
        expect(reading?.marks.length).toBeLessThan(18);
      }),
      { numRuns: 20 },
    );
  });
});
