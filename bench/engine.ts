import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { z } from 'zod';
import { createPool } from '#agent/pools/open-pool.ts';
import type { IdPrefix } from '#core/id.ts';
import { formatId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { EngineOptions } from './engine-options.ts';
import { timed } from './timed.ts';

/** Ids as the processes make them. */
export const newId = <P extends IdPrefix>(prefix: P) => formatId(prefix, Date.now(), randomBytes(10));

/** Packages of machine code cannot be bundled. */
const native = ['zstd-napi', '@node-rs/xxhash', 'pg-native'];
/** What packages of the older kind call. */
const banner = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`;

/**
 * Bundles the engine child, beside the worker threads that it loads, with its packages: an agent has them in memory long
 * before a backup begins, a child would look for them anew each time.
 */
async function bundleEngine(): Promise<string> {
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
    external: native,
    banner: { js: banner },
    minify: true,
  });
  return outfile;
}

const toldShape = z.object({
  engineMs: z.number(),
  rssMiB: z.number(),
  /** Of a backup: `full` when it found no base. */
  type: z.string().optional(),
  source: z.string().optional(),
  /** Of a log backup. */
  segments: z.number().optional(),
  warnings: z.number().optional(),
});

/** What the engine did: `ms` is the wall time of its process, the rest is told by itself. */
export type EngineRun = z.infer<typeof toldShape> & { readonly ms: number };

/** Our engine as a child process with a home and a pool of its own. */
export interface Engine {
  readonly poolDirectory: string;
  run(options: EngineOptions): Promise<EngineRun>;
}

/** Makes a new pool on the local disk below `home`, which is made too. */
export async function openEngine(home: string): Promise<Engine> {
  const program = await bundleEngine();
  mkdirSync(home, { mode: 0o755 });
  const directory = join(home, 'pool');
  const pool: PoolAccess = { poolId: newId('pool'), name: 'bench', place: { kind: 'local', directory }, secrets: {} };
  await createPool(pool, { nowMs: () => Date.now() });
  const always: EngineOptions = { home, channels: '2', pool: directory, 'pool-id': pool.poolId };
  return {
    poolDirectory: directory,
    run: async (options) => {
      const args = Object.entries({ ...always, ...options }).flatMap(([name, value]) => [`--${name}`, value]);
      const env = { PATH: process.env['PATH'] ?? '' };
      const { ms, output } = await timed({ command: process.execPath, args: [program, ...args], env, user: undefined });
      const last = output.trim().split('\n').slice(-1).join('');
      return { ...toldShape.parse(JSON.parse(last)), ms };
    },
  };
}
