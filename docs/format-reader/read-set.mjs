#!/usr/bin/env node
// Reference reader of the Holdfast pool format (docs/format.md; meta 1 and 2). It restores one backup set, full or
// incremental, without Holdfast:  node read-set.mjs <pool> <set id> <empty target> [<passphrase file>]
// It needs Node 20 and the package zstd-napi, and checks every SHA-256 and every authentication tag (not the XXH3).
import { createDecipheriv, createHash, createHmac, hkdfSync, scryptSync } from 'node:crypto';
import { chmodSync, closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, readdirSync, symlinkSync, utimesSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decompress } from 'zstd-napi';

const stop = (why) => { throw new Error(why); };
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const withFile = (path, flags, use) => { const fd = openSync(path, flags, 0o600); use(fd); closeSync(fd); };
const hkdf = (key, salt, info) => Buffer.from(hkdfSync('sha256', key, salt, info, 32));

/** §2: proves the passphrase and returns pool id and pool keys, the newest first. */
function openPool(pool, passphraseFile) {
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
function decrypt(key, nonce, aad, sealed) {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAAD(aad).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

/** §3: one frame; `place` is the text bound into its tag. */
function openFrame(frame, key, place) {
  if (frame.toString('latin1', 0, 4) !== 'HFFR' || frame[4] !== 1) stop(`no frame of version 1 at ${place}`);
  const [flags, rawBytes, payloadBytes] = [frame[5], frame.readUInt32LE(20), frame.readUInt32LE(24)];
  if (frame.length !== 28 + payloadBytes) stop(`a cut frame at ${place}`);
  if (((flags & 2) !== 0) !== (key !== undefined)) stop(`a frame that is not sealed like its pool at ${place}`);
  const aad = Buffer.concat([frame.subarray(0, 28), Buffer.from(place)]);
  const payload = key === undefined ? frame.subarray(28) : decrypt(key, frame.subarray(8, 20), aad, frame.subarray(28));
  const raw = (flags & 1) === 0 ? payload : decompress(payload);
  return raw.length === rawBytes ? raw : stop(`a wrong raw length at ${place}`);
}

/** §4: the raw content of a sealed object, frame by frame. */
function* openObject(pool, poolId, name, kind, baseKey) {
  const bytes = readFileSync(join(pool, name));
  const end = bytes.length - 32;
  if (end < 52 || sha256(bytes.subarray(0, end)) !== bytes.toString('hex', end)) stop(`${name} is damaged`);
  if (bytes.toString('latin1', 0, 4) !== 'HFOB' || bytes[4] !== 1) stop(`${name} is no object of version 1`);
  const key = baseKey && hkdf(baseKey, bytes.subarray(8, 24), `holdfast object 1 ${kind}`);
  let isLast = false;
  for (let at = 24, counter = 0n; at < end; counter++) {
    const next = at + 28 + bytes.readUInt32LE(at + 24);
    if (isLast || bytes.readBigUInt64LE(at + 12) !== counter) stop(`${name} has frames out of order`);
    isLast = (bytes[at + 5] & 4) !== 0;
    yield openFrame(bytes.subarray(at, next), key, `${poolId}\n${name}\n${at}`);
    at = next;
  }
  if (!isLast) stop(`${name} lacks its last frame`);
}

/** §4: the data key of a set, unwrapped by the key of the version in which the set began. */
function dataKeyOf(pool, poolId, poolKeys, set) {
  if (poolKeys === undefined) return undefined;
  const { wrappedKey } = JSON.parse(Buffer.concat([...openObject(pool, poolId, `sets/${set}/start`, 'start')]).toString());
  const wrapped = Buffer.from(wrappedKey, 'hex');
  for (const poolKey of poolKeys) {
    try {
      return decrypt(hkdf(poolKey, '', 'holdfast set key 1'), wrapped.subarray(0, 12), Buffer.from(`${poolId}\n${set}`), wrapped.subarray(12));
    } catch { /* that of another version */ }
  }
  return stop(`the data key of ${set} is not authentic`);
}

/** §5: the lines of meta, grouped by their first word. */
function readMeta(pool, poolId, set, dataKey) {
  const meta = { set: [], piece: [], frame: [], directory: [], symlink: [], file: [], damaged: [], end: [] };
  for (const part of openObject(pool, poolId, `sets/${set}/meta`, 'meta', dataKey)) {
    for (const line of part.toString('utf8').split('\n').slice(0, -1)) {
      const [word, ...rest] = JSON.parse(line);
      (meta[word] ?? stop(`unknown line "${word}" in meta`)).push(rest);
    }
  }
  return meta.end.length === 1 && [1, 2].includes(meta.set[0][0]) ? meta : stop('meta is not complete or of another format');
}

/** §5: the set and those it builds on, the newest first; each base is proven by the SHA-256 of its meta. */
function readChain({ pool, poolId, keys }, newest) {
  const chain = [];
  for (let set = newest, base; set !== undefined; set = base?.setId) {
    const bytes = readFileSync(join(pool, `sets/${set}/meta`));
    if (base && sha256(bytes) !== base.metaSha256) stop(`${set} is not the base that it was`);
    const dataKey = dataKeyOf(pool, poolId, keys, set);
    const meta = readMeta(pool, poolId, set, dataKey);
    base = meta.set[0][1].base;
    chain.push({ meta, files: new Map(meta.file.map((file) => [file[0], file])), readFrame: frameReader(pool, poolId, set, meta, dataKey) });
  }
  return chain;
}

/** Reads, checks and opens a frame of the set by its index; the last one is kept for the small files that share it. */
function frameReader(pool, poolId, set, meta, dataKey) {
  let last;
  return (index) => {
    if (last?.index === index) return last.raw;
    const [pieceIndex, offset, storedBytes, rawBytes, digest] = meta.frame[index];
    const [number, attempt] = meta.piece[pieceIndex];
    const name = `sets/${set}/${attempt}/piece-${String(number).padStart(6, '0')}.bak`;
    const stored = Buffer.alloc(storedBytes);
    withFile(join(pool, name), 'r', (fd) => readSync(fd, stored, 0, storedBytes, offset));
    if (sha256(stored) !== digest) stop(`${name} is damaged at ${offset}`);
    const raw = openFrame(stored, dataKey && hkdf(dataKey, attempt, 'holdfast piece 1'), `${poolId}\n${name}\n${offset}`);
    return raw.length === rawBytes ? (last = { index, raw }).raw : stop(`${name} has a wrong frame at ${offset}`);
  };
}

/** Writes the bytes [from, to) of a file from the set at `depth` of the chain, what it has not from the sets below it. */
function writeBytes(fd, path, chain, depth, from, to) {
  const [, , sizeBytes, , , extents] = chain[depth]?.files.get(path) ?? stop(`no base holds ${path}`);
  if (to > sizeBytes) stop(`a base of ${path} is too short`);
  let at = 0;
  for (const [frame, offset, length] of extents) {
    const [begin, end] = [Math.max(at, from), Math.min(at + length, to)];
    if (begin < end && frame === -2) writeBytes(fd, path, chain, depth + 1, begin, end);
    if (begin < end && frame >= 0) writeSync(fd, chain[depth].readFrame(frame), offset + begin - at, end - begin, begin);
    at += length;
  }
}

function writeFile(target, [path, mode, sizeBytes, mtimeMs], chain) {
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  withFile(target, 'wx', (fd) => {
    ftruncateSync(fd, sizeBytes);
    writeBytes(fd, path, chain, 0, 0, sizeBytes);
  });
  chmodSync(target, mode);
  utimesSync(target, mtimeMs / 1000, mtimeMs / 1000);
}

const [pool, set, target, passphraseFile] = process.argv.slice(2);
if (target === undefined) stop('usage: read-set.mjs <pool> <set id> <empty target> [<passphrase file>]');
mkdirSync(target, { recursive: true, mode: 0o700 });
if (readdirSync(target).length > 0) stop(`${target} is not empty`);
const inside = (path) => (path.split('/').some((part) => ['', '.', '..'].includes(part)) ? stop(`${path} leaves the target`) : join(target, path));
const chain = readChain({ pool, ...openPool(pool, passphraseFile) }, set);
const { meta } = chain[0];
for (const [path, mode] of meta.directory) mkdirSync(inside(path), { recursive: true, mode });
const isControl = ([path]) => path === 'global/pg_control';
for (const file of [...meta.file.filter((f) => !isControl(f)), ...meta.file.filter(isControl)]) writeFile(inside(file[0]), file, chain); // pg_control last: what is not finished does not start
for (const [path, link] of meta.symlink) symlinkSync(link, inside(path));
process.stdout.write(`${meta.file.length} files of ${set} written to ${target}\n`);
