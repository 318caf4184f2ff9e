import { timingSafeEqual } from 'node:crypto';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { KeyFile } from '#core/format/key-file.ts';
import { parseKeyBody, splitKeyFile } from '#core/format/key-file.ts';
import { keyFileKey, keyFilesPrefix } from '#core/format/object-key.ts';
import type { PoolFile, PoolFileParts, ScryptOfPool } from '#core/format/pool-file.ts';
import { formatVersions } from '#core/format/version.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import { sha256Hex } from '../codec/hash.ts';
import { derivePoolKey, macHex, unwrapPoolKey } from '../codec/keys.ts';

export const poolMacInfo = 'holdfast pool file 1';
export const keyMacInfo = 'holdfast key file 1';

/** Keys of an encrypted pool. New objects are sealed under `key`; what older ones sealed stays as it is. */
export interface PoolKeys {
  readonly key: Uint8Array;
  /** The newest first. */
  readonly olderKeys: readonly Uint8Array[];
  /** Of `key`: 1 is that of `holdfast.json`. */
  readonly version: number;
  /** The passphrase that fits. */
  readonly passphrase: string;
}

/** A later key of a pool as it is stored. */
export interface StoredKey {
  readonly file: KeyFile;
  readonly body: string;
  readonly mac: string;
  /** The whole text of the object. */
  readonly text: string;
}

const shape = /^keys\/pool\/(\d{6})$/;

/** Every later key of a pool, by version from 2 on. Throws `object_damaged` when one is damaged or missing, `pool_format_newer`. */
export async function readKeyFiles(access: PoolAccess, store: ObjectStore): Promise<readonly StoredKey[]> {
  const found: StoredKey[] = [];
  for await (const { key } of store.list(keyFilesPrefix())) {
    const version = Number(shape.exec(key)?.[1] ?? 0);
    if (version === 0) continue;
    const damaged = (what: string, cause?: unknown): HoldfastError =>
      fail('object_damaged', { pool: access.name, object: key, what }, cause);
    if (version !== found.length + 2) throw damaged('a key before it is missing');
    found.push(openText(Buffer.from(await store.get(key)).toString('utf8'), damaged));
    const { file } = found[found.length - 1] ?? {};
    if (file?.poolId !== access.poolId || file.version !== version) throw damaged('it belongs elsewhere');
    const { written } = formatVersions.keys;
    if (file.format > written)
      throw fail('pool_format_newer', { object: key, found: String(file.format), readable: String(written) });
  }
  return found;
}

function openText(text: string, damaged: (what: string, cause?: unknown) => HoldfastError): StoredKey {
  const parts = splitKeyFile(text);
  if (parts === undefined) throw damaged('it is no key of a pool');
  const { body, mac, sha256 } = parts;
  if (sha256Hex(body) !== sha256) throw damaged('its SHA-256 does not match');
  try {
    return { file: parseKeyBody(body), body, mac, text };
  } catch (cause) {
    throw damaged('its content cannot be read', cause);
  }
}

/** What proves a key: the parameters that make it and a text that it signed. */
interface Proof {
  readonly scrypt: ScryptOfPool;
  readonly body: string;
  readonly mac: string;
  readonly info: string;
}

async function keyIfRight(passphrase: string, { scrypt, ...signed }: Proof): Promise<Uint8Array | undefined> {
  const key = await derivePoolKey(passphrase, scrypt);
  return isSigned(key, signed) ? key : undefined;
}

const isSigned = (key: Uint8Array, { body, mac, info }: Omit<Proof, 'scrypt'>): boolean =>
  mac.length === 64 && timingSafeEqual(Buffer.from(macHex(key, body, info)), Buffer.from(mac));

export interface PoolFileOfKeys {
  readonly file: PoolFile & { readonly scrypt: ScryptOfPool };
  readonly parts: PoolFileParts;
}

/**
 * Derives the newest key of an encrypted pool from the passphrase, or from the next one while a rotation is under way, and
 * unwraps the keys before it. Takes about 0.4 s of CPU per passphrase that is tried (scrypt). Throws `passphrase_missing`,
 * `passphrase_wrong`, `passphrase_old`, `object_damaged`.
 */
export async function proveKeys(access: PoolAccess, store: ObjectStore, pool: PoolFileOfKeys): Promise<PoolKeys> {
  const { passphrase, nextPassphrase } = access.secrets;
  if (passphrase === undefined) throw fail('passphrase_missing', { pool: access.name });
  const later = await readKeyFiles(access, store);
  const proofs = [firstProof(pool), ...later.map(laterProof)];
  const newest = proofs[proofs.length - 1] ?? firstProof(pool);
  for (const each of [passphrase, ...(nextPassphrase === undefined ? [] : [nextPassphrase])]) {
    const key = await keyIfRight(each, newest);
    if (key === undefined) continue;
    const olderKeys = unwrapAll(access, { key, later, proofs });
    return { key, olderKeys, version: proofs.length, passphrase: each };
  }
  for (const older of proofs.slice(0, -1))
    if ((await keyIfRight(passphrase, older)) !== undefined) throw fail('passphrase_old', { pool: access.name });
  throw fail('passphrase_wrong', { pool: access.name });
}

const firstProof = ({ file: { scrypt }, parts: { body, mac } }: PoolFileOfKeys): Proof => ({
  ...{ scrypt, body, mac, info: poolMacInfo },
});
const laterProof = ({ file: { scrypt }, body, mac }: StoredKey): Proof => ({ scrypt, body, mac, info: keyMacInfo });

interface Unwrapping {
  readonly key: Uint8Array;
  readonly later: readonly StoredKey[];
  readonly proofs: readonly Proof[];
}

/** Each key wraps the one before it, and each is proven by what it signed. */
function unwrapAll(access: PoolAccess, { key, later, proofs }: Unwrapping): readonly Uint8Array[] {
  const older: Uint8Array[] = [];
  let above = key;
  for (const { file } of [...later].reverse()) {
    const { version, previousKey, poolId } = file;
    const at = { pool: access.name, object: keyFileKey(version) };
    above = unwrapPoolKey(above, previousKey, { poolId, version, ...at });
    const proof = proofs[version - 2];
    if (proof === undefined || !isSigned(above, proof))
      throw fail('object_damaged', { ...at, what: 'the key before it is not the one that it wraps' });
    older.push(above);
  }
  return older;
}
