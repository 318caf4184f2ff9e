import { readFile, rename, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

/**
 * 64 KiB for constants, 1 MiB for one extent, 64 KiB for the answers. Fixed: a memory that grows would detach the views
 * that readSync fills. page-memory.ts relies on this layout.
 */
const memoryPages = '18';

const flags = [
  ...['page-scan.ts', '--outFile', 'page-scan.wasm', '-O3', '--converge', '--noAssert', '--runtime', 'stub'],
  ...['--enable', 'simd', '--initialMemory', memoryPages, '--maximumMemory', memoryPages],
];

/**
 * Compiles page-scan.as to WebAssembly with SIMD and writes it as base64 to page-scan.generated.js beside this file.
 * Must run before esbuild bundles the agent. Needs no C compiler: AssemblyScript is a devDependency.
 */
export async function buildWasm() {
  const source = await readFile(new URL('page-scan.as', import.meta.url), 'utf8');
  let binary;
  const { error, stderr } = await asc.main(flags, {
    readFile: (name) => (name === 'page-scan.ts' ? source : null),
    writeFile: (name, contents) => {
      if (name === 'page-scan.wasm') binary = contents;
    },
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(`page-scan.as does not compile: ${stderr.toString()}`, { cause: error });
  const text = `// Made by build.mjs from page-scan.as.\nexport const pageScanBase64 =\n  '${Buffer.from(binary).toString('base64')}';\n`;
  const target = new URL('page-scan.generated.js', import.meta.url);
  if ((await readFile(target, 'utf8').catch(() => '')) === text) return;
  const partial = new URL(`page-scan.generated.js.${process.pid}`, import.meta.url);
  await writeFile(partial, text);
  await rename(partial, target);
}
