import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rotatePayloadKey } from '#api/temporal/rotate-payload-key.ts';
import { openAgentKeys } from '#agent/payload-keys.ts';
import { openKeyFiles, readPayloadKeys } from '#wire/key-files.ts';
import { fixedRing } from '#wire/key-ring.ts';
import { openPayloadCodec } from '#wire/payload-codec.ts';
import type { PayloadKey } from '#wire/payload-key.ts';
import { formatPayloadKey, payloadKeyOf } from '#wire/payload-key.ts';

const first = payloadKeyOf(new Uint8Array(32).fill(1));
const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"secret-text"') };
const clear = (data: Uint8Array | null | undefined): string => Buffer.from(data ?? []).toString();

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hf-keys-'));
  writeFileSync(join(home, 'payload.key'), `${formatPayloadKey(first)}\n`, { mode: 0o600 });
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

test('a rotation is in force in a running process at once, and every older key still opens what it sealed', async () => {
  const codec = openPayloadCodec(openKeyFiles(home));
  const sealed = await codec.encode([payload]);
  for (let i = 0; i < 3; i++) {
    const { id } = await rotatePayloadKey(home);
    sealed.push(...(await codec.encode([payload])));
    expect(Buffer.from(sealed[sealed.length - 1]?.metadata?.['key-id'] ?? []).toString()).toBe(id);
  }
  expect((await codec.decode(sealed)).map(({ data }) => clear(data))).toEqual(Array(4).fill('"secret-text"'));
  expect(new Set(readPayloadKeys(home).map(({ id }) => id)).size).toBe(4);
});

test('payload keys that others may read are refused', () => {
  chmodSync(join(home, 'payload.key'), 0o644);
  expect(() => openKeyFiles(home)).toThrow('payload.key');
});

test('an agent that meets a payload of a newer key asks once, seals with it from then on, and knows it after a restart', async () => {
  const second = payloadKeyOf(new Uint8Array(32).fill(2));
  const lost = payloadKeyOf(new Uint8Array(32).fill(3));
  let [asked, isAway] = [0, true];
  let now = 0;
  const ask = (): Promise<readonly PayloadKey[]> => {
    asked += 1;
    return isAway ? Promise.reject(new Error('away')) : Promise.resolve([second, first]);
  };
  const agent = { home, enrolled: first, ask, clock: { nowMs: () => now } };
  const codec = openPayloadCodec(await openAgentKeys(agent));
  const sealed = await openPayloadCodec(fixedRing(second, [first])).encode([payload, payload]);
  await expect(codec.decode(sealed)).rejects.toMatchObject({ code: 'payload_key_unknown' });
  isAway = false;
  now += 5000;
  expect((await codec.decode(sealed)).map(({ data }) => clear(data))).toEqual(['"secret-text"', '"secret-text"']);
  expect(asked).toBe(2);
  const [mine] = await codec.encode([payload]);
  expect(Buffer.from(mine?.metadata?.['key-id'] ?? []).toString()).toBe(second.id);
  await expect(codec.decode(await openPayloadCodec(lost).encode([payload]))).rejects.toMatchObject({
    code: 'payload_key_unknown',
  });
  expect(asked).toBe(2);
  const next = await openAgentKeys({ ...agent, ask: () => Promise.reject(new Error('not needed')) });
  expect([next.active().id, (await next.find(first.id))?.id]).toEqual([second.id, first.id]);
});
