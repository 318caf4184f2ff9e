import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FrameSeal } from './frame.ts';
import { frameBound, hash128, openFrame, resealFrameInto, sealFrame, sealFrameInto, sha256Hex } from './frame.ts';

const place = { pool: 'pool_1', object: 'sets/a/b/piece-000001.bak', offset: 4096 };
const key = new Uint8Array(randomBytes(32));
const seal = (extra: Partial<FrameSeal> = {}): FrameSeal => ({ ...place, level: 3, channel: 7, counter: 12, ...extra });
const compressible = Buffer.alloc(200_000, 'holdfast ');

describe('frames', () => {
  test('K-079 any bytes come back equal at any level, plain and encrypted', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 5000 }),
        fc.constantFrom(0, 1, 3, 9),
        fc.boolean(),
        (raw, level, isEncrypted) => {
          const lock = isEncrypted ? { key } : {};
          const stored = sealFrame(raw, seal({ level, ...lock }));
          expect(Buffer.from(openFrame(stored, { ...place, ...lock }))).toEqual(Buffer.from(raw));
        },
      ),
    );
  });

  test('a frame opens into a room it fits in, and into memory of its own else', () => {
    const room = new Uint8Array(1000);
    for (const [raw, isInside] of [
      [compressible, false],
      [compressible.subarray(0, 1000), true],
      [randomBytes(999), true],
      [randomBytes(1001), false],
    ] as const) {
      for (const lock of [{}, { key }]) {
        const opened = openFrame(sealFrame(raw, seal(lock)), { ...place, ...lock }, room);
        expect(Buffer.from(opened)).toEqual(Buffer.from(raw));
        expect(opened.buffer === room.buffer).toBe(isInside);
      }
    }
  });

  test('a frame is sealed for another place without being unpacked, and opens there only', () => {
    const there = { pool: 'pool_1', object: 'sets/c/d/piece-000009.bak', offset: 77 };
    const keys = [{}, { key }].flatMap((from) =>
      [{}, { key: new Uint8Array(randomBytes(32)) }].map((to) => ({ from, to })),
    );
    for (const { from, to } of keys) {
      for (const raw of [compressible, randomBytes(3000), new Uint8Array()]) {
        const stored = sealFrame(raw, seal(from));
        const target = new Uint8Array(frameBound(raw.length));
        const nonce = { level: 0, channel: 1, counter: 99 };
        const length = resealFrameInto(target, stored, { ...place, ...from }, { ...there, ...nonce, ...to });
        const moved = target.slice(0, length);
        expect(Buffer.from(openFrame(moved, { ...there, ...to }))).toEqual(Buffer.from(raw));
        if ('key' in to) expect(() => openFrame(moved, { ...place, ...to })).toThrow(/not authentic/);
      }
    }
    const cut = sealFrame(compressible, seal({ key })).subarray(0, -1);
    const target = new Uint8Array(1000);
    expect(() => resealFrameInto(target, cut, { ...place, key }, seal({ key }))).toThrow(/another length/);
    expect(() => resealFrameInto(target, sealFrame(new Uint8Array(9), seal()), { ...place, key }, seal())).toThrow(
      /a plain frame in an encrypted pool/,
    );
  });

  test('bytes that zstd does not shrink are stored as they are', () => {
    const raw = randomBytes(10_000);
    expect(sealFrame(raw, seal()).length).toBe(10_000 + 28);
    expect(sealFrame(compressible, seal()).length).toBeLessThan(1000);
  });

  test('a view on a larger buffer seals like a copy of it', () => {
    const view = new Uint8Array(new ArrayBuffer(1 << 20), 8192, compressible.length);
    view.set(compressible);
    expect(sealFrame(view, seal({ key }))).toEqual(sealFrame(compressible, seal({ key })));
  });

  test('sealing into a buffer writes what sealFrame returns', () => {
    const target = new Uint8Array(frameBound(compressible.length) + 100);
    const length = sealFrameInto(target.subarray(100), compressible, seal());
    expect(target.slice(100, 100 + length)).toEqual(sealFrame(compressible, seal()));
  });

  test('every single flipped bit of an encrypted frame is refused', () => {
    const stored = sealFrame(randomBytes(300), seal({ key }));
    for (let bit = 0; bit < stored.length * 8; bit++) {
      const flipped = stored.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openFrame(flipped, { ...place, key })).toThrow(/is damaged|is written in format/);
    }
  });

  test('an encrypted frame opens at its own place only', () => {
    const stored = sealFrame(compressible, seal({ key }));
    for (const moved of [{ offset: 0 }, { object: 'sets/a/b/piece-000002.bak' }, { pool: 'pool_2' }]) {
      expect(() => openFrame(stored, { ...place, key, ...moved })).toThrow(/not authentic/);
    }
  });

  test('a plain frame is refused in an encrypted pool and the reverse', () => {
    expect(() => openFrame(sealFrame(compressible, seal()), { ...place, key })).toThrow(
      /a plain frame in an encrypted pool/,
    );
    expect(() => openFrame(sealFrame(compressible, seal({ key })), place)).toThrow(
      /an encrypted frame in a plain pool/,
    );
  });

  test('a truncated frame is refused', () => {
    const stored = sealFrame(compressible, seal());
    expect(() => openFrame(stored.subarray(0, stored.length - 1), place)).toThrow(/another length/);
    expect(() => openFrame(stored.subarray(0, 10), place)).toThrow(/inside its header/);
  });

  test('hashes are those of the published test vectors', () => {
    expect(hash128(new Uint8Array(0))).toBe('99aa06d3014798d86001c324468d497f');
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
