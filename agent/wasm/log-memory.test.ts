import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sumOfRecord } from '#core/wal/record-sum.ts';
import { openLogMemory, slotOf, sumsIn } from './log-memory.ts';

const memory = openLogMemory(2, 70_000);
const sums = sumsIn(memory);
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

test('K-049 records sum up in shared memory as by the reference, whatever their bytes, length and place, also when damaged', () => {
  const lengths = fc.oneof(
    fc.integer({ min: 24, max: 420 }),
    fc.integer({ min: 24, max: 9000 }),
    fc.integer({ min: 9000, max: 32_600 }),
  );
  const any = fc.record({ length: lengths, at: fc.integer({ min: 0, max: 99 }), seed: fc.integer(), bit: fc.nat() });
  fc.assert(
    fc.property(any, fc.constantFrom(0, 1, -1), ({ length, at, seed, bit }, slot) => {
      const bytes = slot < 0 ? sums.room : slotOf(memory, slot);
      const view = viewOf(bytes);
      for (let i = 0; i < length; i++) bytes[at + i] = Math.imul(seed + i, 0x9e3779b1) >>> 21;
      const sum = sums.sumOf(view, at, at + length);
      expect(sum).toBe(sumOfRecord(view, at, at + length));
      const hit = bit % (length * 8);
      bytes[at + (hit >> 3)] = (bytes[at + (hit >> 3)] ?? 0) ^ (1 << (hit & 7));
      const damaged = sums.sumOf(view, at, at + length);
      expect(damaged).toBe(sumOfRecord(view, at, at + length));
      // The CRC does not sum up itself: bytes 20–23 of the header.
      const isSummed = hit >> 3 < 20 || hit >> 3 >= 24;
      expect(damaged !== sum).toBe(isSummed);
    }),
    { numRuns: 300 },
  );
});

test('records that lie elsewhere are summed up by the reference', () => {
  const view = viewOf(Uint8Array.from({ length: 5000 }, (_, i) => i * 7));
  expect(sums.sumOf(view, 8, 4000)).toBe(sumOfRecord(view, 8, 4000));
});

test('slots lie side by side behind the room of the reader and hold what was asked for', () => {
  const [first, second] = [slotOf(memory, 0), slotOf(memory, 1)];
  expect(sums.room.byteOffset + sums.room.length).toBe(first.byteOffset);
  expect(first.byteOffset + first.length).toBe(second.byteOffset);
  expect(second.byteOffset + second.length).toBe(memory.memory.buffer.byteLength);
  expect(first.length).toBe(131_072);
});
