import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Place } from './extent-table.ts';
import { ExtentTable } from './extent-table.ts';

const hex = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const stored = fc.record({
  ...{ from: fc.nat({ max: 2 ** 40 }), length: fc.nat({ max: 2 ** 20 }), piece: fc.nat({ max: 2 ** 30 }) },
  ...{ frame: fc.nat({ max: 2 ** 30 }), offset: fc.nat({ max: 2 ** 20 }), hash: hex },
});
const without = fc.record({
  ...{ from: fc.nat({ max: 2 ** 40 }), length: fc.nat({ max: 2 ** 40 }), piece: fc.constant(-1) },
  ...{ frame: fc.constantFrom(-1, -2), offset: fc.constant(0), hash: fc.constant('') },
});

test('a table of extents gives back every place of every file, in the order of the file', () => {
  const entry = fc.record({ file: fc.nat({ max: 3000 }), place: fc.oneof(stored, without) });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 200 }), (entries) => {
      const table = new ExtentTable();
      for (const { file, place } of entries) table.add(file, place);
      for (const file of new Set([0, 3001, ...entries.map((each) => each.file)])) {
        const expected = entries.filter((each) => each.file === file).map((each): Place => each.place);
        expect(table.placesOf(file)).toEqual(expected.sort((a, b) => a.from - b.from));
      }
    }),
  );
});

test('a table of extents grows', () => {
  const table = new ExtentTable();
  const place = { length: 1, piece: 1, frame: 2, offset: 3, hash: '00112233445566778899aabbccddeeff' };
  for (let file = 0; file < 5000; file++) table.add(file, { ...place, from: file });
  for (let file = 0; file < 5000; file += 7) expect(table.placesOf(file)).toEqual([{ ...place, from: file }]);
});
