import fc from 'fast-check';
import { expect, test } from 'vitest';
import { extentBytes } from '#agent/wasm/page-memory.ts';
import { bug } from '#core/errors/fail.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import type { BaseFiles, SourceFile } from './copy-request.ts';
import { bytesToRead, cutAtKnown, readingOf } from './reading.ts';

const pageBytes = 8192;
const source = (changes: Partial<SourceFile>): SourceFile => ({
  ...{ path: 'base/5/1', absolute: '/data/base/5/1', sizeBytes: 10 * pageBytes, mode: 0, mtimeMs: 0, mustExist: false },
  ...changes,
});
const base = (sizeBytes: number | undefined, isDamaged = false): BaseFiles => ({
  sizeOf: () => sizeBytes,
  timeOf: () => undefined,
  hashOf: () => '',
  isDamaged: () => isDamaged,
});

const blocks = fc.array(
  fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 300 })).map(([from, length]) => ({ from, to: from + length })),
  { maxLength: 20 },
);

test('D-023 listed blocks and what lies behind the base are read, the rest is the base, nothing twice', () => {
  fc.assert(
    fc.property(blocks, fc.nat(900), fc.nat(900), (ranges, nowPages, basePages) => {
      const sizeBytes = nowPages * pageBytes;
      const file = source({ sizeBytes, changed: { kind: 'blocks', ranges } });
      const reading = readingOf(file, base(basePages * pageBytes), pageBytes);
      if (reading.kind !== 'spans') throw bug(`${reading.kind} instead of spans`);
      const both = [...reading.spans, ...reading.based].sort((a, b) => a.from - b.from);
      let at = 0;
      for (const { from, length } of both) {
        expect(from).toBe(at);
        expect(length).toBeGreaterThan(0);
        at += length;
      }
      expect(at).toBe(sizeBytes);
      const isRead = (block: number): boolean =>
        reading.spans.some(({ from, length }) => from <= block * pageBytes && block * pageBytes < from + length);
      for (let block = 0; block < nowPages; block++) {
        const isListed = block >= basePages || ranges.some(({ from, to }) => from <= block && block < to);
        expect(isRead(block), `block ${String(block)}`).toBe(isListed);
      }
      for (const { from, length } of reading.spans)
        expect(Math.floor(from / extentBytes)).toBe(Math.floor((from + length - 1) / extentBytes));
      expect(bytesToRead(reading, sizeBytes)).toBe(reading.spans.reduce((sum, { length }) => sum + length, 0));
    }),
    { numRuns: 60 },
  );
});

test('D-023 nothing is taken from a base that lacks the file or recorded damage in it', () => {
  const changed = { kind: 'blocks', ranges: [] } as const;
  const all = { kind: 'all', hasBase: false };
  expect(readingOf(source({ changed }), base(undefined), pageBytes)).toEqual(all);
  expect(readingOf(source({ changed }), base(10 * pageBytes, true), pageBytes)).toEqual(all);
  expect(readingOf(source({ changed }), undefined, pageBytes)).toEqual(all);
  expect(readingOf(source({}), base(10 * pageBytes), pageBytes)).toEqual(all);
  const lsn = parseLsn('1/2');
  expect(readingOf(source({ changed: { kind: 'by-lsn', since: lsn, insertLsn: lsn } }), base(5), pageBytes)).toEqual({
    kind: 'scan',
    since: 2 ** 32 + 2,
    baseBytes: 5,
  });
});

test('K-047 bytes to store are cut at acknowledged extents, cover the whole and never overlap', () => {
  const known = fc
    .array(fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 12 })), { maxLength: 12 })
    .map((all) => all.map(([from, length]) => ({ from, length, hash: `${String(from)}-${String(length)}` })))
    .map((all) => all.sort((a, b) => a.from - b.from));
  const span = fc.record({ from: fc.nat(90), length: fc.integer({ min: 1, max: 40 }) });
  fc.assert(
    fc.property(span, known, (whole, held) => {
      let at = whole.from;
      for (const part of cutAtKnown(whole, held)) {
        expect(part.from).toBe(at);
        at += part.length;
        if (part.known !== '') expect(held).toContainEqual({ from: part.from, length: part.length, hash: part.known });
      }
      expect(at).toBe(whole.from + whole.length);
      const [first] = held.filter(({ from, length }) => from >= whole.from && from + length <= at);
      if (first !== undefined) expect(cutAtKnown(whole, held).some((part) => part.known !== '')).toBe(true);
    }),
  );
});
