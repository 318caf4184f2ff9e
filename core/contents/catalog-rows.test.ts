import fc from 'fast-check';
import { expect, test } from 'vitest';
import { catalogRows, classRow, mappedFile } from './catalog-rows.ts';

test('whatever lies in a file, its rows are read within their page or passed over', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1024 }), (bytes) => {
      for (const row of catalogRows(bytes, 256)) {
        expect(row.name).not.toBe('');
        classRow(row, 18);
      }
      mappedFile(bytes, 1262);
    }),
  );
});

test('a map names the file of a catalog, and nothing that is no map does', () => {
  const map = new Uint8Array(24);
  const view = new DataView(map.buffer);
  view.setUint32(0, 0x592717, true);
  view.setInt32(4, 2, true);
  for (const [at, value] of [1260, 5, 1262, 16_400].entries()) view.setUint32(8 + 4 * at, value, true);
  expect([mappedFile(map, 1262), mappedFile(map, 1259)]).toEqual([16_400, undefined]);
  view.setUint32(0, 1, true);
  expect(mappedFile(map, 1262)).toBeUndefined();
});
