import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { fail } from '#core/errors/fail.ts';
import type { KeyRing } from './key-ring.ts';
import { fixedRing } from './key-ring.ts';
import type { PayloadKey } from './payload-key.ts';

const encoding = Buffer.from('binary/encrypted');
const ivBytes = 12;
const tagBytes = 16;
const PayloadMessage = proto.temporal.api.common.v1.Payload;

/**
 * Seals every payload with AES-256-GCM (SP 800-38D): data = IV (12 bytes, random) ‖ ciphertext ‖ tag (16 bytes) of the
 * encoded Payload, the key id in the metadata and bound as associated data. The first key seals, all open (rotation).
 * Opening throws `payload_key_unknown` or `payload_damaged`; payloads that are not sealed pass unchanged.
 */
export function openPayloadCodec(keys: PayloadKey | KeyRing, older: readonly PayloadKey[] = []): PayloadCodec {
  const ring = 'active' in keys ? keys : fixedRing(keys, older);
  return {
    encode: (payloads) => Promise.resolve().then(() => payloads.map((payload) => seal(ring.active(), payload))),
    decode: (payloads) => Promise.all(payloads.map((payload) => open(ring, payload))),
  };
}

function seal(key: PayloadKey, payload: Payload): Payload {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key.bytes, iv);
  cipher.setAAD(Buffer.from(key.id));
  const body = cipher.update(PayloadMessage.encode(payload).finish());
  const data = Buffer.concat([iv, body, cipher.final(), cipher.getAuthTag()]);
  return { metadata: { encoding, 'key-id': Buffer.from(key.id) }, data };
}

async function open(ring: KeyRing, payload: Payload): Promise<Payload> {
  if (Buffer.from(payload.metadata?.['encoding'] ?? []).toString() !== 'binary/encrypted') return payload;
  const id = Buffer.from(payload.metadata?.['key-id'] ?? []).toString();
  const key = await ring.find(id);
  if (key === undefined) throw fail('payload_key_unknown', { key: id });
  const data = payload.data ?? new Uint8Array();
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, data.subarray(0, ivBytes), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(id));
    decipher.setAuthTag(data.subarray(data.length - tagBytes));
    const plain = Buffer.concat([decipher.update(data.subarray(ivBytes, data.length - tagBytes)), decipher.final()]);
    return PayloadMessage.decode(plain);
  } catch (cause) {
    throw fail('payload_damaged', { key: id }, cause);
  }
}
