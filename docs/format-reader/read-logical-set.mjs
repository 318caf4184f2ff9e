#!/usr/bin/env node
// Reference reader of logical sets of the Holdfast pool format (docs/format.md §13). It writes each stream of a set into a file
// of its own, without Holdfast:  node read-logical-set.mjs <pool> <set id> <empty target> [<passphrase file>]
// `streams.json` beside them says what each file is. It checks every SHA-256 and every authentication tag (not the XXH3).
import { mkdirSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { dataKeyOf, openObject, readFrame, withFile } from './frames.mjs';
import { openPool, stop } from './pool-keys.mjs';

const digits = (number) => String(number).padStart(6, '0');

/** §13: pieces, and streams with their frames. */
function readMeta(pool, poolId, set, dataKey) {
  const meta = { pieces: [], streams: [], end: undefined };
  const lines = {
    logical: ([format]) => format === 1 || stop(`the set has format ${format}; this reader knows 1`),
    globals: () => undefined,
    database: () => undefined,
    piece: (piece) => meta.pieces.push(piece),
    stream: ([database, content, rawBytes, count]) => meta.streams.push({ database, content, rawBytes, count, frames: [] }),
    frame: (frame) => meta.streams.at(-1).frames.push(frame),
    end: (counts) => (meta.end = counts),
  };
  for (const part of openObject(pool, poolId, `logical/${set}/meta`, 'logical-meta', dataKey)) {
    for (const line of part.toString('utf8').split('\n').slice(0, -1)) {
      const [word, ...rest] = JSON.parse(line);
      (lines[word] ?? stop(`unknown line "${word}" in meta`))(rest);
    }
  }
  const isWhole = meta.end?.[2] === meta.streams.length && meta.streams.every((one) => one.frames.length === one.count);
  return isWhole ? meta : stop('meta is not complete');
}

const [pool, set, target, passphraseFile] = process.argv.slice(2);
if (target === undefined) stop('usage: read-logical-set.mjs <pool> <set id> <empty target> [<passphrase file>]');
mkdirSync(target, { recursive: true, mode: 0o700 });
if (readdirSync(target).length > 0) stop(`${target} is not empty`);
const { poolId, keys } = openPool(pool, passphraseFile);
const dataKey = dataKeyOf(pool, poolId, keys, set, 'logical');
const { pieces, streams } = readMeta(pool, poolId, set, dataKey);
const written = streams.map(({ database, content, rawBytes, frames }, at) => {
  const file = `${digits(at + 1)}.${content.kind}`;
  let bytes = 0;
  withFile(join(target, file), 'wx', (fd) => {
    for (const [pieceIndex, ...frame] of frames) {
      const [number, attempt] = pieces[pieceIndex];
      const name = `logical/${set}/${attempt}/piece-${digits(number)}.bak`;
      bytes += writeSync(fd, readFrame({ pool, poolId, name, attempt, dataKey }, frame));
    }
  });
  if (bytes !== rawBytes) stop(`${file} has ${bytes} bytes instead of ${rawBytes}`);
  return { file, database, ...content };
});
writeFileSync(join(target, 'streams.json'), `${JSON.stringify(written, undefined, 1)}\n`, { mode: 0o600 });
process.stdout.write(`${streams.length} streams of ${set} written to ${target}\n`);
