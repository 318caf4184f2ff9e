import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { fail } from '#core/errors/fail.ts';

/** Parameters of scrypt (RFC 7914) as `holdfast.json` keeps them. New pools: N 2^16, r 8, p 2 (64 MiB of memory). */
export interface ScryptParameters {
  readonly n: number;
  readonly r: number;
  readonly p: number;
  /** 32 hex digits. */
  readonly salt: string;
}

export const newScryptParameters = (): ScryptParameters => ({
  n: 65536,
  r: 8,
  p: 2,
  salt: randomBytes(16).toString('hex'),
});

/** Pool key: scrypt of the passphrase (UTF-8, NFC), 32 bytes. */
export function derivePoolKey(passphrase: string, parameters: ScryptParameters): Promise<Uint8Array> {
  const { n, r, p } = parameters;
  return new Promise((resolve, reject) => {
    scrypt(
      passphrase.normalize('NFC'),
      Buffer.from(parameters.salt, 'hex'),
      32,
      { N: n, r, p, maxmem: 256 * n * r },
      (error, key) => {
        if (error === null) resolve(key);
        else reject(error);
      },
    );
  });
}

/** HKDF-SHA256 (RFC 5869) to 32 bytes; `info` separates uses, `salt` separates objects and attempts. */
export const subkeyOf = (key: Uint8Array, salt: Uint8Array | string, info: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key, salt, info, 32));

/** HMAC-SHA256 in hex under a subkey made for this `info`. */
export const macHex = (key: Uint8Array, text: string, info: string): string =>
  createHmac('sha256', subkeyOf(key, '', info))
    .update(text)
    .digest('hex');

export const newDataKey = (): Uint8Array => new Uint8Array(randomBytes(32));

const wrapInfo = 'holdfast set key 1';

/** Wraps a data key: 12-byte random nonce ‖ AES-256-GCM(key) ‖ 16-byte tag, as hex. `context` is authenticated. */
export function wrapKey(poolKey: Uint8Array, dataKey: Uint8Array, context: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', subkeyOf(poolKey, '', wrapInfo), nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]).toString('hex');
}

/** Opens a wrapped key. Throws `object_damaged` when it is not authentic; `at` names the object that holds it. */
export function unwrapKey(
  poolKey: Uint8Array,
  wrapped: string,
  context: string,
  at: { readonly pool: string; readonly object: string },
): Uint8Array {
  const bytes = Buffer.from(wrapped, 'hex');
  try {
    const decipher = createDecipheriv('aes-256-gcm', subkeyOf(poolKey, '', wrapInfo), bytes.subarray(0, 12), {
      authTagLength: 16,
    });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(44));
    return new Uint8Array(Buffer.concat([decipher.update(bytes.subarray(12, 44)), decipher.final()]));
  } catch (cause) {
    throw fail('object_damaged', { ...at, what: 'its wrapped data key is not authentic' }, cause);
  }
}
