import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openPayloadCodec } from './payload-codec.ts';
import { formatPayloadKey, parsePayloadKey, payloadKeyOf } from './payload-key.ts';

const first = payloadKeyOf(new Uint8Array(32).fill(1));
const second = payloadKeyOf(new Uint8Array(32).fill(2));
const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"secret-text"') };

test('hides content and metadata of a payload and gives both back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 8, maxLength: 4096 }), async (data) => {
      const codec = openPayloadCodec(first);
      const [sealed] = await codec.encode([{ metadata: { encoding: Buffer.from('binary/plain') }, data }]);
      expect(Buffer.from(sealed?.data ?? []).includes(Buffer.from(data))).toBe(false);
      const [back] = await codec.decode(sealed === undefined ? [] : [sealed]);
      expect(Buffer.from(back?.data ?? [])).toEqual(Buffer.from(data));
      expect(Buffer.from(back?.metadata?.['encoding'] ?? []).toString()).toBe('binary/plain');
    }),
    { numRuns: 50 },
  );
});

test('opens payloads of an older key after a rotation and names a key it does not hold', async () => {
  const sealed = await openPayloadCodec(first).encode([payload]);
  const [back] = await openPayloadCodec(second, [first]).decode(sealed);
  expect(Buffer.from(back?.data ?? []).toString()).toBe('"secret-text"');
  await expect(openPayloadCodec(second).decode(sealed)).rejects.toMatchObject({
    code: 'payload_key_unknown',
    params: { key: first.id },
  });
});

test('refuses a payload with one flipped bit anywhere', async () => {
  const [sealed] = await openPayloadCodec(first).encode([payload]);
  const data = Buffer.from(sealed?.data ?? []);
  for (let at = 0; at < data.length; at++) {
    const flipped = Buffer.from(data);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    const codec = openPayloadCodec(first);
    await expect(codec.decode([{ metadata: sealed?.metadata ?? {}, data: flipped }])).rejects.toMatchObject({
      code: 'payload_damaged',
    });
  }
});

test('never repeats an IV for the same payload', async () => {
  const codec = openPayloadCodec(first);
  const sealed = await codec.encode(Array.from({ length: 500 }, () => payload));
  expect(
    new Set(
      sealed.map((p) =>
        Buffer.from(p.data ?? [])
          .subarray(0, 12)
          .toString('hex'),
      ),
    ).size,
  ).toBe(500);
});

test('reads back the text form of a key and never quotes a malformed one', () => {
  expect(parsePayloadKey(` ${formatPayloadKey(first)}\n`)).toEqual({ id: first.id, bytes: Buffer.from(first.bytes) });
  expect(() => parsePayloadKey('c2VjcmV0')).toThrow('"(hidden)" is not a valid payload key');
});
