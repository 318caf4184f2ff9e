#!/usr/bin/env node
// Reference reader of the Holdfast pool format (docs/format.md; meta 1 and 2). It restores one backup set, full or
// incremental, without Holdfast:  node read-set.mjs <pool> <set id> <empty target> [<passphrase file>]
// It needs Node 20 and the package zstd-napi, and checks every SHA-256 and every authentication tag (not the XXH3).
import { chmodSync, ftruncateSync, mkdirSync, readFileSync, readdirSync, symlinkSync, utimesSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dataKeyOf, openObject, readFrame, withFile } from './frames.mjs';
import { openPool, sha256, stop } from './pool-keys.mjs';

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
    const [pieceIndex, ...frame] = meta.frame[index];
    const [number, attempt] = meta.piece[pieceIndex];
    const name = `sets/${set}/${attempt}/piece-${String(number).padStart(6, '0')}.bak`;
    const raw = readFrame({ pool, poolId, name, attempt, dataKey }, frame);
    return (last = { index, raw }).raw;
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
