/** `npm run build`: WebAssembly, programs, workflow bundle; each part only when its sources changed. Writes `dist/`. */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildPrograms } from './build/programs.mjs';
import { whenChanged } from './build/stamp.mjs';
import { withLock } from './servers/lock.mjs';
import { runTool } from './servers/tool.mjs';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

const buildWasm = async () => {
  const wasm = join(root, 'agent', 'wasm');
  const script = join(wasm, 'build.mjs');
  const outputs = ['page-scan', 'log-sum'].map((name) => join(wasm, `${name}.generated.js`));
  const inputs = [script, ...['page-scan.as', 'log-sum.as'].map((name) => join(wasm, name))];
  const work = async () => {
    /** @type {{ buildWasm: () => Promise<void> }} */
    const module = await import(pathToFileURL(script).href);
    await module.buildWasm();
  };
  await whenChanged({ stamp: join(dist, '.wasm-stamp'), inputs, outputs, work });
};

const buildWorkflows = async () => {
  const script = join(root, 'workers', 'build-workflow-bundle.ts');
  const inputs = [
    ...['workflows', 'core'].map((folder) => join(root, folder)),
    script,
    join(root, 'package-lock.json'),
  ];
  const work = async () => {
    await runTool(process.execPath, ['--import', 'tsx', script], { cwd: root });
  };
  await whenChanged({
    stamp: join(dist, '.workflow-stamp'),
    inputs,
    outputs: [join(dist, 'workflow-bundle.js')],
    work,
  });
};

/** Builds what changed. Safe to call from several processes at once. */
export const buildAll = async () => {
  await mkdir(dist, { recursive: true });
  await withLock(join(dist, '.build-lock'), async () => {
    await buildWasm();
    await Promise.all([buildPrograms(root), buildWorkflows()]);
  });
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildAll();
