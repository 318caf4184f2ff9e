import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BlockDecoder } from './block-decoder.ts';
import type { BlockReference, BlockSink } from './block-sink.ts';

class Heard implements BlockSink {
  readonly blocks: BlockReference[] = [];
  readonly limits: BlockReference[] = [];
  readonly databases: string[] = [];
  readonly unlistedWhy: string[] = [];
  block(reference: BlockReference): void {
    this.blocks.push({ ...reference });
  }
  limit(reference: BlockReference): void {
    this.limits.push({ ...reference });
  }
  database(tablespace: number, database: number): void {
    this.databases.push(`${String(tablespace)}/${String(database)}`);
  }
  unlisted(at: number, why: string): void {
    this.unlistedWhy.push(`${String(at)} ${why}`);
  }
}

interface Block extends BlockReference {
  readonly dataBytes: number;
  /** Length of the page image and its flag byte. */
  readonly image?: { readonly bytes: number; readonly info: number; readonly hasHoleLength: boolean };
  readonly isSame?: boolean;
}

interface Written {
  readonly manager: number;
  readonly info: number;
  readonly major?: number;
  readonly blocks?: readonly Block[];
  readonly main?: readonly number[];
}

const u16 = (n: number): number[] => [n & 255, (n >>> 8) & 255];
const u32 = (n: number): number[] => [...u16(n), ...u16(n >>> 16)];

/** Lays out a record as `XLogRecordAssemble` does, without its CRC. */
function layOut({ manager, info, blocks = [], main = [] }: Written): Uint8Array {
  const header = [...new Array<number>(16).fill(0), info, manager, ...new Array<number>(6).fill(0)];
  const data: number[] = [];
  blocks.forEach(({ dataBytes, image, isSame, tablespace, database, number, fork, block }, i) => {
    header.push(i, fork | (image === undefined ? 0 : 0x10) | (isSame === true ? 0x80 : 0), ...u16(dataBytes));
    if (image !== undefined)
      header.push(...u16(image.bytes), ...u16(40), image.info, ...(image.hasHoleLength ? u16(9) : []));
    if (isSame !== true) header.push(...u32(tablespace), ...u32(database), ...u32(number));
    header.push(...u32(block));
    data.push(...new Array<number>(dataBytes + (image?.bytes ?? 0)).fill(7));
  });
  if (main.length > 255) header.push(254, ...u32(main.length));
  else if (main.length > 0) header.push(255, main.length);
  return Uint8Array.from([...header, ...data, ...main]);
}

function hear(bytes: Uint8Array, major = 15): Heard {
  const heard = new Heard();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  new BlockDecoder().decode({ view, at: 0, end: bytes.length, major }, 4096, heard);
  return heard;
}

const read = (written: Written): Heard => hear(layOut(written), written.major);
const place = { tablespace: 1663, database: 5, number: 16_384, fork: 0 };

describe('what a record names', () => {
  test('every block of every layout of images is found', () => {
    const block = fc.record({
      tablespace: fc.nat(),
      database: fc.nat(),
      number: fc.nat(),
      fork: fc.integer({ min: 0, max: 3 }),
      block: fc.integer({ min: 0, max: 4_294_967_294 }),
      dataBytes: fc.nat({ max: 300 }),
      image: fc.option(
        fc.record({ bytes: fc.integer({ min: 1, max: 900 }), isHoled: fc.boolean(), isPacked: fc.boolean() }),
      ),
    });
    fc.assert(
      fc.property(
        fc.array(block, { maxLength: 6 }),
        fc.nat({ max: 600 }),
        fc.constantFrom(12, 14, 15, 18),
        (list, mainBytes, major) => {
          const packed = major >= 15 ? 0x08 : 0x02;
          const blocks = list.map(({ image, ...each }): Block => {
            if (image === null) return each;
            const { bytes, isHoled, isPacked } = image;
            return {
              ...each,
              image: { bytes, info: (isHoled ? 1 : 0) | (isPacked ? packed : 0), hasHoleLength: isHoled && isPacked },
            };
          });
          const heard = read({ manager: 10, info: 0, major, blocks, main: new Array<number>(mainBytes).fill(1) });
          expect(heard.unlistedWhy).toEqual([]);
          expect(heard.blocks).toEqual(
            list.map(({ tablespace, database, number, fork, block: n }) => ({
              tablespace,
              database,
              number,
              fork,
              block: n,
            })),
          );
        },
      ),
    );
  });

  test('a block of the same relation as the one before has its place', () => {
    const blocks = [
      { ...place, block: 3, dataBytes: 0 },
      { ...place, block: 9, dataBytes: 4, isSame: true },
    ];
    expect(read({ manager: 10, info: 0, blocks }).blocks.map(({ number, block }) => [number, block])).toEqual([
      [16_384, 3],
      [16_384, 9],
    ]);
  });

  test('a record whose lengths do not add up is told of, wherever it is cut', () => {
    const whole = layOut({
      manager: 10,
      info: 0,
      blocks: [{ ...place, block: 1, dataBytes: 9, image: { bytes: 20, info: 0, hasHoleLength: false } }],
      main: [1, 2, 3],
    });
    // Cut by the length of its main data, what is left adds up: a record without any.
    const soundLength = whole.length - 5;
    for (let end = 25; end < whole.length; end++)
      if (end !== soundLength)
        expect([end, hear(whole.slice(0, end)).unlistedWhy]).toEqual([end, ['4096 unknown-record']]);
    const strange = whole.slice();
    strange[24] = 77;
    expect(hear(strange).unlistedWhy).toEqual(['4096 unknown-record']);
  });
});

describe('what a record does beside that', () => {
  const relation = [...u32(1663), ...u32(5), ...u32(16_384)];

  test('a fork that is created has nothing of before', () => {
    expect(read({ manager: 2, info: 0x10, main: [...relation, ...u32(3)] }).limits).toEqual([
      { ...place, fork: 3, block: 0 },
    ]);
  });

  test('a truncation limits the forks that it names', () => {
    const cut = (flags: number): Heard =>
      read({ manager: 2, info: 0x20, main: [...u32(70), ...relation, ...u32(flags)] });
    expect(cut(1).limits).toEqual([{ ...place, block: 70 }]);
    expect(cut(7).limits).toEqual([
      { ...place, block: 70 },
      { ...place, fork: 2, block: 0 },
    ]);
  });

  test.each([
    ['commit', 0x80],
    ['abort', 0xa0],
    ['commit of a prepared transaction', 0xb0],
    ['abort of a prepared transaction', 0xc0],
  ])('a %s drops the relations of its list, behind other lists', (_, info) => {
    const other = [...u32(0), ...u32(0)];
    const main = [...other, ...u32(1 | 2 | 4), ...other, ...u32(2), ...u32(11), ...u32(12), ...u32(1), ...relation];
    expect(read({ manager: 1, info, main }).limits.map(({ number, fork, block }) => [number, fork, block])).toEqual([
      [16_384, 0, 0],
      [16_384, 2, 0],
      [16_384, 3, 0],
    ]);
    expect(read({ manager: 1, info, main: main.slice(0, -4) }).unlistedWhy).toEqual(['4096 unknown-record']);
  });

  test.each([
    [12, 0x00, { main: [...u32(5), ...u32(1663), ...u32(1), ...u32(1663)], told: ['1663/5'] }],
    [12, 0x10, { main: [...u32(5), ...u32(1663)], told: ['1663/5'] }],
    [14, 0x10, { main: [...u32(5), ...u32(2), ...u32(1663), ...u32(16_400)], told: ['1663/5', '16400/5'] }],
    [15, 0x00, { main: [...u32(5), ...u32(1663), ...u32(1), ...u32(1663)], told: ['1663/5'] }],
    [15, 0x10, { main: [...u32(5), ...u32(1663)], told: ['1663/5'] }],
    [18, 0x20, { main: [...u32(5), ...u32(1), ...u32(16_400)], told: ['16400/5'] }],
  ])('a database of PostgreSQL %i that is copied or dropped is told of (%i)', (major, info, { main, told }) => {
    const heard = read({ manager: 4, info, major, main });
    expect([heard.databases, heard.unlistedWhy]).toEqual([told, []]);
  });

  test('a change of wal_level to minimal is told of, no other change', () => {
    const change = (level: number): Heard =>
      read({ manager: 0, info: 0x60, main: [...new Array<number>(20).fill(1), ...u32(level), 0, 0, 0, 0] });
    expect(change(0).unlistedWhy).toEqual(['4096 minimal']);
    expect(change(1).unlistedWhy).toEqual([]);
  });
});
