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
const previousInfo = 'holdfast previous key 1';

/** Wraps a data key: 12-byte random nonce ‖ AES-256-GCM(key) ‖ 16-byte tag, as hex. `context` is authenticated. */
export const wrapKey = (poolKey: Uint8Array, dataKey: Uint8Array, context: string): string =>
  wrapUnder(subkeyOf(poolKey, '', wrapInfo), dataKey, context);

function wrapUnder(wrappingKey: Uint8Array, wanted: Uint8Array, context: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', wrappingKey, nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(wanted), cipher.final(), cipher.getAuthTag()]).toString('hex');
}

/** A version of the key of a pool. */
export interface KeyVersion {
  readonly poolId: string;
  readonly version: number;
}

/** Wraps the key before this version under it, so that who has the newest reaches all (docs/format.md §12). */
export const wrapPoolKey = (key: Uint8Array, previous: Uint8Array, { poolId, version }: KeyVersion): string =>
  wrapUnder(subkeyOf(key, '', previousInfo), previous, `${poolId}\n${String(version)}`);

/** Throws `object_damaged` when it is not authentic. */
export const unwrapPoolKey = (
  key: Uint8Array,
  wrapped: string,
  { poolId, version, ...at }: KeyVersion & Place,
): Uint8Array => {
  const context = `${poolId}\n${String(version)}`;
  const what = 'the key that it wraps is not authentic';
  return unwrapUnder(subkeyOf(key, '', previousInfo), wrapped, { context, what, ...at });
};

interface Place {
  readonly pool: string;
  readonly object: string;
}

/** Opens a wrapped key. Throws `object_damaged` when it is not authentic; `at` names the object that holds it. */
export const unwrapKey = (poolKey: Uint8Array, wrapped: string, context: string, at: Place): Uint8Array =>
  unwrapUnder(subkeyOf(poolKey, '', wrapInfo), wrapped, {
    context,
    what: 'its wrapped data key is not authentic',
    ...at,
  });

interface Unwrapping extends Place {
  readonly context: string;
  /** What is said when it is not authentic. */
  readonly what: string;
}

function unwrapUnder(wrappingKey: Uint8Array, wrapped: string, { context, what, ...at }: Unwrapping): Uint8Array {
  const bytes = Buffer.from(wrapped, 'hex');
  try {
    const decipher = createDecipheriv('aes-256-gcm', wrappingKey, bytes.subarray(0, 12), {
      authTagLength: 16,
    });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(44));
    return new Uint8Array(Buffer.concat([decipher.update(bytes.subarray(12, 44)), decipher.final()]));
  } catch (cause) {
    throw fail('object_damaged', { ...at, what }, cause);
  }
}
