import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { build } from 'esbuild';
import { writeWhole } from './stamp.mjs';

/** Programs of the product: name in dist → source. */
const programs = {
  cli: 'api/cli/main.ts',
  agent: 'agent/main.ts',
  control: 'workers/main.ts',
  api: 'api/main.ts',
  'wal-archive': 'agent/wal/archive/archive-main.ts',
};

/** Chunks nobody refers to any more are kept this long: a program started before this build may still load them. */
const keepChunksMs = 3_600_000;

/** @param {string} root @param {string} folder @returns {string[]} */
const threadFiles = (root, folder) =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return threadFiles(root, path);
    return entry.name.endsWith('-thread.ts') ? [path] : [];
  });

/** @param {string} root */
const entries = (root) => {
  const threads = threadFiles(root, 'agent').map((path) => [basename(path, '.ts'), path]);
  const all = [...Object.entries(programs), ...threads];
  return all.map(([name = '', path = '']) => ({ out: name, in: path }));
};

/** @param {string} folder @param {ReadonlySet<string>} made */
const removeStale = async (folder, made) => {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const isOurs = name.startsWith('chunk-') || name.endsWith('.partial');
    if (isOurs && !made.has(name) && Date.now() - statSync(path).mtimeMs > keepChunksMs)
      await rm(path, { force: true });
  }
};

/** @param {import('esbuild').BuildOptions} options @param {string} folder */
const buildInto = async (options, folder) => {
  const result = await build({
    ...{ bundle: true, platform: 'node', target: 'node20', packages: 'external', write: false, logLevel: 'warning' },
    ...options,
    outdir: folder,
  });
  const files = result.outputFiles ?? [];
  for (const file of files) await writeWhole(file.path, file.contents);
  return files.map((file) => relative(folder, file.path));
};

/**
 * Bundles every program and worker thread to `dist/<name>.js` (ESM, packages external, shared chunks) and the failure
 * converter to CommonJS, which Temporal loads by path.
 * @param {string} root
 */
export const buildPrograms = async (root) => {
  const folder = join(root, 'dist');
  const shared = { absWorkingDir: root, sourcemap: /** @type {const} */ ('linked') };
  const made = await buildInto({ ...shared, format: 'esm', splitting: true, entryPoints: entries(root) }, folder);
  const entryPoints = [{ out: 'failure-converter', in: 'wire/failure-converter.ts' }];
  const outExtension = { '.js': '.cjs' };
  made.push(...(await buildInto({ ...shared, format: 'cjs', entryPoints, outExtension, sourcemap: false }, folder)));
  await removeStale(folder, new Set(made));
};
