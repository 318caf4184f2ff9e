import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { packedAs, packingsFrom } from '#agent/codec/zstd.ts';
import type { LogSealer } from '#agent/sets/seal-log.ts';
import { sealLogSegment } from '#agent/sets/seal-log.ts';
import { testIds } from '#tests/support/catalog.ts';
import { sealedAsBefore } from './seal-as-before.ts';

const plain: LogSealer = { id: testIds('pool') };
const log = { systemId: '7300000000000000001', branchId: 'b'.repeat(32), name: '000000010000000000000001' };
const { signal } = new AbortController();

/** Enough words for levels to find different matches. */
function words(bytes: number): Uint8Array {
  const known = Array.from({ length: 200 }, () => randomBytes(5).toString('hex'));
  const text = Array.from({ length: bytes / 10 }, (_, i) => known[(i * i * 7 + i) % 200] ?? '').join('');
  return Buffer.from(text).subarray(0, bytes);
}
const raw = words(60_000);

type Packing = ReturnType<typeof packingsFrom>[number];

/** What the batch says of a segment that was packed so. */
function lostOf(pool: LogSealer, packing: Packing) {
  const { stored, ...sums } = packedAs(packing, () => sealLogSegment(pool, log, raw, packing.level));
  return { ...sums, stored, storedBytes: stored.length };
}

test.each(packingsFrom(9))(
  'log comes out as the object that was lost, sealed by any version at any level: %o',
  async (packing) => {
    const { stored, ...lost } = lostOf(plain, packing);
    const sealed = await sealedAsBefore(plain, { log, raw, lost, level: 9, signal });
    expect(sealed?.storedSha256).toBe(lost.storedSha256);
    expect(Buffer.compare(sealed?.stored ?? Buffer.alloc(0), stored)).toBe(0);
  },
);

test('nothing is made up for an object that no level gives, nor in an encrypted pool', async () => {
  const [packing] = packingsFrom(9);
  if (packing === undefined) return expect.fail('there is no packing');
  const lost = { ...lostOf(plain, packing), storedSha256: '0'.repeat(64) };
  expect(await sealedAsBefore(plain, { log, raw, lost, level: 9, signal })).toBeUndefined();
  const encrypted = { ...plain, key: randomBytes(32) };
  const other = lostOf(encrypted, packing);
  expect(await sealedAsBefore(encrypted, { log, raw, lost: other, level: 9, signal })).toBeUndefined();
});

test('a run that is cancelled does not go through all levels first', async () => {
  const [packing] = packingsFrom(22);
  if (packing === undefined) return expect.fail('there is no packing');
  const lost = { ...lostOf(plain, packing), storedSha256: '0'.repeat(64) };
  await expect(sealedAsBefore(plain, { log, raw, lost, level: 22, signal: AbortSignal.abort() })).rejects.toThrow(
    /aborted/,
  );
});
