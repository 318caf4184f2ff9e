import { readFile, rename, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const always = ['-O3', '--converge', '--noAssert', '--runtime', 'stub'];

/**
 * 64 KiB for constants, 1 MiB for one extent, 64 KiB for the answers. Fixed: a memory that grows would detach the views
 * that readSync fills. page-memory.ts relies on this layout.
 */
const pageScanMemory = '18';
const pageScan = ['--enable', 'simd', '--initialMemory', pageScanMemory, '--maximumMemory', pageScanMemory];

/** The memory is brought by log-memory.ts and shared with the threads that seal segments: 64 KiB and the segments, at most 2 GiB. */
const logSum = [
  ...[
    '--importMemory',
    '--sharedMemory',
    '--enable',
    'threads',
    '--enable',
    'simd',
    '--initialMemory',
    '1',
    '--maximumMemory',
    '32768',
  ],
];

/** What is built: source file → options, and the name of the text in the generated file. */
const modules = [
  { name: 'page-scan', constant: 'pageScanBase64', options: pageScan },
  { name: 'log-sum', constant: 'logSumBase64', options: logSum },
];

/**
 * Compiles the AssemblyScript beside this file to WebAssembly and writes it as base64 to `<name>.generated.js`.
 * Must run before esbuild bundles the agent. Needs no C compiler: AssemblyScript is a devDependency.
 */
export async function buildWasm() {
  for (const module of modules) await compile(module);
}

/** @param {{ name: string, constant: string, options: readonly string[] }} module */
async function compile({ name, constant, options }) {
  const source = await readFile(new URL(`${name}.as`, import.meta.url), 'utf8');
  let binary;
  const { error, stderr } = await asc.main([`${name}.ts`, '--outFile', `${name}.wasm`, ...always, ...options], {
    readFile: (file) => (file === `${name}.ts` ? source : null),
    writeFile: (file, contents) => {
      if (file === `${name}.wasm`) binary = contents;
    },
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(`${name}.as does not compile: ${stderr.toString()}`, { cause: error });
  const text = `// Made by build.mjs from ${name}.as.\nexport const ${constant} =\n  '${Buffer.from(binary).toString('base64')}';\n`;
  const target = new URL(`${name}.generated.js`, import.meta.url);
  if ((await readFile(target, 'utf8').catch(() => '')) === text) return;
  const partial = new URL(`${name}.generated.js.${process.pid}`, import.meta.url);
  await writeFile(partial, text);
  await rename(partial, target);
}
