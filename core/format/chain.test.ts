import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bug } from '../errors/fail.ts';
import type { FilesByPath } from './chain.ts';
import { baseGap, neededExtents } from './chain.ts';
import type { Extent, FileOfSet } from './meta.ts';
import { baseFrame, zeroFrame } from './meta.ts';

const path = 'base/5/1259';

/** A set as the test knows it: where each byte of its one file comes from. */
interface Layer {
  readonly extents: readonly Extent[];
}

const fileOf = ({ extents }: Layer): FileOfSet => ({
  ...{ kind: 'file', path, mode: 0, mtimeMs: 0, extents },
  sizeBytes: extents.reduce((sum, { length }) => sum + length, 0),
});

/** Extents of a set: some bytes of its own, zeros, and runs of the base, which has `below` bytes. */
const layerAbove = (below: number): fc.Arbitrary<Layer> =>
  fc
    .array(fc.record({ kind: fc.constantFrom('own', 'zero', 'base'), length: fc.integer({ min: 1, max: 9 }) }), {
      maxLength: 12,
    })
    .map((parts) => {
      let at = 0;
      const extents = parts.map(({ kind, length }, index): Extent => {
        at += length;
        if (kind === 'base' && at <= below) return { frame: baseFrame, offset: 0, length, hash: '' };
        return kind === 'zero'
          ? { frame: zeroFrame, offset: 0, length, hash: '' }
          : { frame: index, offset: index, length, hash: 'x' };
      });
      return { extents };
    });

/** Newest first, the full last. */
const chain: fc.Arbitrary<readonly Layer[]> = fc.integer({ min: 1, max: 5 }).chain((depth) => {
  let layers: fc.Arbitrary<readonly Layer[]> = layerAbove(0).map((full) => [full]);
  for (let i = 1; i < depth; i++)
    layers = layers.chain((below) =>
      layerAbove(fileOf(below[0] ?? { extents: [] }).sizeBytes).map((layer) => [layer, ...below]),
    );
  return layers;
});

/** Byte by byte, by following the definition: which byte of which extent of which set, or zero. */
function originOf(layers: readonly Layer[], depth: number, byte: number): string {
  let at = 0;
  for (const { frame, length } of layers[depth]?.extents ?? []) {
    if (byte < at + length) {
      if (frame === baseFrame) return originOf(layers, depth + 1, byte);
      return frame === zeroFrame ? 'zero' : `${String(depth)}:${String(frame)}+${String(byte - at)}`;
    }
    at += length;
  }
  throw bug(`byte ${String(byte)} lies in no extent of layer ${String(depth)}`);
}

test('D-023 every byte of a chain comes from exactly the set that the definition names', () => {
  fc.assert(
    fc.property(chain, (layers) => {
      const files: FilesByPath[] = layers.map((layer) => new Map([[path, fileOf(layer)]]));
      const size = files[0]?.get(path)?.sizeBytes ?? 0;
      const origins = new Array<string>(size).fill('zero');
      for (const { depth, extent, at, spans } of neededExtents(files, path)) {
        for (const { from, length } of spans ?? [{ from: 0, length: extent.length }]) {
          for (let i = from; i < from + length; i++) {
            expect(origins[at + i], 'written once').toBe('zero');
            origins[at + i] = `${String(depth)}:${String(extent.frame)}+${String(i)}`;
          }
        }
      }
      expect(origins).toEqual(Array.from({ length: size }, (_, byte) => originOf(layers, 0, byte)));
    }),
    { numRuns: 500 },
  );
});

test('D-023 spans name a part of an extent, never all of it', () => {
  fc.assert(
    fc.property(chain, (layers) => {
      for (const { extent, spans } of neededExtents(
        layers.map((layer) => new Map([[path, fileOf(layer)]])),
        path,
      )) {
        const length = spans?.reduce((sum, span) => sum + span.length, 0);
        if (length !== undefined) expect(length).toBeLessThan(extent.length);
      }
    }),
  );
});

test('a base that lacks a file, or the end of one, is a gap; one that has more is none', () => {
  const file = (length: number): FileOfSet => fileOf({ extents: [{ frame: baseFrame, offset: 0, length, hash: '' }] });
  const full = (length: number): FilesByPath =>
    new Map([[path, fileOf({ extents: [{ frame: 0, offset: 0, length, hash: 'x' }] })]]);
  expect(baseGap({ members: [file(10)] }, full(10))).toBeUndefined();
  expect(baseGap({ members: [file(10)] }, full(11))).toBeUndefined();
  expect(baseGap({ members: [file(10)] }, full(9))).toMatch(/has 9 bytes of base\/5\/1259 where 10 are needed/);
  expect(baseGap({ members: [file(10)] }, new Map())).toMatch(/has 0 bytes/);
});
