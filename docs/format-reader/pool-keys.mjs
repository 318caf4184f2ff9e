// How the reference reader proves a passphrase and opens the keys of a pool (docs/format.md §2 and §12).
import { createDecipheriv, createHash, createHmac, hkdfSync, scryptSync } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const stop = (why) => { throw new Error(why); };
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
export const hkdf = (key, salt, info) => Buffer.from(hkdfSync('sha256', key, salt, info, 32));

/** §2: proves the passphrase and returns pool id and pool keys, the newest first. */
export function openPool(pool, passphraseFile) {
  const text = readFileSync(join(pool, 'holdfast.json'), 'utf8');
  const [, body, digest, mac] = /^\{"pool":(\{.*\}),"sha256":"([0-9a-f]{64})","mac":"([0-9a-f]*)"\}\n$/s.exec(text) ?? stop('holdfast.json is damaged');
  if (sha256(body) !== digest) stop('holdfast.json does not match its SHA-256');
  const { format, poolId, scrypt: { n, r, p, salt } = {} } = JSON.parse(body);
  if (format > 1) stop(`the pool has format ${format}; this reader knows 1`);
  if (salt === undefined) return { poolId };
  const passphrase = readFileSync(passphraseFile ?? stop('the pool is encrypted: name a passphrase file'), 'utf8').replace(/\r?\n$/, '').normalize('NFC');
  const proofs = [{ scrypt: { n, r, p, salt }, body, mac, info: 'holdfast pool file 1' }, ...laterKeys(pool, poolId)];
  const isRight = (key, proof) => createHmac('sha256', hkdf(key, '', proof.info)).update(proof.body).digest('hex') === proof.mac;
  const { scrypt } = proofs.at(-1);
  const newest = scryptSync(passphrase, Buffer.from(scrypt.salt, 'hex'), 32, { N: scrypt.n, r: scrypt.r, p: scrypt.p, maxmem: 256 * scrypt.n * scrypt.r });
  if (!isRight(newest, proofs.at(-1))) stop('the passphrase is wrong');
  const keys = [newest];
  for (let version = proofs.length; version > 1; version--) {
    const wrapped = Buffer.from(proofs[version - 1].previousKey, 'hex');
    const wrapping = hkdf(keys.at(-1), '', 'holdfast previous key 1');
    keys.push(decrypt(wrapping, wrapped.subarray(0, 12), Buffer.from(`${poolId}\n${version}`), wrapped.subarray(12)));
    if (!isRight(keys.at(-1), proofs[version - 2])) stop(`key ${version} wraps a wrong key`);
  }
  return { poolId, keys };
}

/** §12: the keys of rotations, from version 2 on. */
function laterKeys(pool, poolId) {
  const names = existsSync(join(pool, 'keys/pool')) ? readdirSync(join(pool, 'keys/pool')).filter((name) => /^\d{6}$/.test(name)).sort() : [];
  return names.map((name, at) => {
    const text = readFileSync(join(pool, 'keys/pool', name), 'utf8');
    const [, body, digest, mac] = /^\{"key":(\{.*\}),"sha256":"([0-9a-f]{64})","mac":"([0-9a-f]{64})"\}\n$/s.exec(text) ?? stop(`key ${name} is damaged`);
    const key = JSON.parse(sha256(body) === digest ? body : stop(`key ${name} does not match its SHA-256`));
    if (key.format !== 1 || key.poolId !== poolId || key.version !== at + 2 || Number(name) !== at + 2) stop(`key ${name} is of another pool or format`);
    return { scrypt: key.scrypt, previousKey: key.previousKey, body, mac, info: 'holdfast key file 1' };
  });
}

/** AES-256-GCM with the tag behind the data. */
export function decrypt(key, nonce, aad, sealed) {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAAD(aad).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}
