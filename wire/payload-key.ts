import { createHash } from 'node:crypto';
import { fail } from '#core/errors/fail.ts';

/** AES-256 key of the payload codec. Its id is the start of its SHA-256, so a name never points to another key. */
export interface PayloadKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** Names a key of 32 bytes. Throws `value_malformed` for another length. */
export function payloadKeyOf(bytes: Uint8Array): PayloadKey {
  if (bytes.length !== 32)
    throw fail('value_malformed', { text: `${String(bytes.length)} bytes`, what: 'payload key', expected: '32 bytes' });
  return { id: createHash('sha256').update('holdfast payload key').update(bytes).digest('hex').slice(0, 16), bytes };
}

/** Text of `<home>/payload.key` and of the enrolment answer: base64 of the 32 bytes. */
export const formatPayloadKey = (key: PayloadKey): string => Buffer.from(key.bytes).toString('base64');

/** Reads that text; surrounding white space is fine. Throws `value_malformed` without quoting it. */
export function parsePayloadKey(text: string): PayloadKey {
  const trimmed = text.trim();
  if (!/^[A-Za-z0-9+/]{43}=$/.test(trimmed)) {
    throw fail('value_malformed', { text: '(hidden)', what: 'payload key', expected: 'base64 of 32 bytes' });
  }
  return payloadKeyOf(Buffer.from(trimmed, 'base64'));
}
