#!/usr/bin/env node
// Reference reader of the Holdfast pool format (docs/format.md; meta 1 and 2). It restores one backup set, full or
// incremental, without Holdfast:  node read-set.mjs <pool> <set id> <empty target> [<passphrase file>]
// It needs Node 20 and the package zstd-napi, and checks every SHA-256 and every authentication tag (not the XXH3).
import { chmodSync, closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, readdirSync, symlinkSync, utimesSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decompress } from 'zstd-napi';
import { decrypt, hkdf, openPool, sha256, stop } from './pool-keys.mjs';

const withFile = (path, flags, use) => { const fd = openSync(path, flags, 0o600); use(fd); closeSync(fd); };

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
