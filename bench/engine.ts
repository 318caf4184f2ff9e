import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { IdPrefix } from '#core/id.ts';
import { formatId } from '#core/id.ts';

/** Ids as the processes make them. */
export const newId = <P extends IdPrefix>(prefix: P) => formatId(prefix, Date.now(), randomBytes(10));

/** Bundles the engine child like every program of the product, beside the worker threads that it loads. */
export async function bundleEngine(): Promise<string> {
  const root = resolve(import.meta.dirname, '..');
  const outfile = join(root, 'dist', 'bench-engine.js');
  const entryPoints = [join(root, 'bench', 'engine-main.ts')];
  await build({
    entryPoints,
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
  });
  return outfile;
}
