import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** @param {string} path @returns {string[]} */
const filesBelow = (path) => {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
};

/** One hash over names and contents of files and folders. @param {readonly string[]} paths */
export const hashOf = (paths) => {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(filesBelow)) {
    if (path.includes('.test.') || path.includes('.generated.')) continue;
    hash.update(`${path}\0`).update(readFileSync(path));
  }
  return hash.digest('hex');
};

/**
 * Runs `work` unless its inputs are those of the last time and its outputs are there.
 * @param {{ stamp: string, inputs: readonly string[], outputs: readonly string[], work: () => Promise<void> }} step
 */
export const whenChanged = async ({ stamp, inputs, outputs, work }) => {
  const hash = hashOf(inputs);
  const last = await readFile(stamp, 'utf8').catch(() => '');
  if (last === hash && outputs.every((path) => existsSync(path))) return;
  await work();
  await writeWhole(stamp, hash);
};

/** Writes a file so that a reader sees the old or the new one, never a part; untouched when nothing changed. @param {string} path @param {string | Uint8Array} content */
export const writeWhole = async (path, content) => {
  const bytes = Buffer.from(content);
  const old = await readFile(path).catch(() => undefined);
  if (old?.equals(bytes) === true) return;
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${String(process.pid)}.partial`;
  await writeFile(partial, bytes);
  await rename(partial, path);
};
