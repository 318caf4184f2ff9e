import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { build } from 'esbuild';
import { writeWhole } from './stamp.mjs';

/** The command line: bundled by itself, so that the little it takes from modules of the server brings nothing else of them. */
const commandLine = { out: 'cli', in: 'api/cli/main.ts' };

/** The other programs of the product: name in dist → source. */
const programs = {
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
const threads = (root) => threadFiles(root, 'agent').map((path) => ({ out: basename(path, '.ts'), in: path }));

/** @param {string} folder @param {ReadonlySet<string>} made */
const removeStale = async (folder, made) => {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const isOurs = name.startsWith('chunk-') || name.endsWith('.partial');
    if (isOurs && !made.has(name) && Date.now() - statSync(path).mtimeMs > keepChunksMs)
      await rm(path, { force: true });
  }
};

/**
 * Packages are loaded by a program only when it uses a name of theirs. Why: modules of the catalog hold shapes of answers beside their
 * queries, and each command line loaded the clients of Temporal, PostgreSQL and S3 for the shapes, which was half of its time.
 * @type {import('esbuild').Plugin}
 */
const packagesWhenUsed = {
  name: 'packages-when-used',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^[^.#/]/ }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path, external: true, sideEffects: false },
    );
  },
};

/** @param {import('esbuild').BuildOptions} options @param {string} folder */
const buildInto = async (options, folder) => {
  const result = await build({
    ...{ bundle: true, platform: 'node', target: 'node20', packages: 'external', write: false, logLevel: 'warning' },
    plugins: [packagesWhenUsed],
    ...options,
    outdir: folder,
  });
  const files = result.outputFiles ?? [];
  for (const file of files) await writeWhole(file.path, file.contents);
  return files.map((file) => relative(folder, file.path));
};

/**
 * Bundles every program to `dist/<name>.js` (ESM, packages external, shared chunks), and to CommonJS the worker threads, each whole, and
 * the failure converter, which Temporal loads by path. Why threads: Node parses packages of the older kind for their
 * exports when a module imports them, in each thread anew, which took as long as all the rest of its start.
 * @param {string} root
 */
export const buildPrograms = async (root) => {
  const folder = join(root, 'dist');
  const shared = { absWorkingDir: root, sourcemap: /** @type {const} */ ('linked') };
  const modules = { ...shared, format: /** @type {const} */ ('esm'), splitting: true };
  const entries = Object.entries(programs).map(([name, path]) => ({ out: name, in: path }));
  const made = await buildInto({ ...modules, entryPoints: entries }, folder);
  made.push(...(await buildInto({ ...modules, entryPoints: [commandLine] }, folder)));
  const common = { ...shared, format: /** @type {const} */ ('cjs'), outExtension: { '.js': '.cjs' } };
  made.push(...(await buildInto({ ...common, entryPoints: threads(root) }, folder)));
  const entryPoints = [{ out: 'failure-converter', in: 'wire/failure-converter.ts' }];
  made.push(...(await buildInto({ ...common, entryPoints, sourcemap: false }, folder)));
  await removeStale(folder, new Set(made));
};
