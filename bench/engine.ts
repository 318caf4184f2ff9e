import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { z } from 'zod';
import { createPool } from '#agent/pools/open-pool.ts';
import { fail } from '#core/errors/fail.ts';
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
 * before a backup begins, a child would look for them anew each time. What is loaded only when it is needed (the client of S3) stays
 * in files of its own, as in the programs of the product.
 */
async function bundleEngine(): Promise<string> {
  const root = resolve(import.meta.dirname, '..');
  const outdir = join(root, 'dist');
  await build({
    entryPoints: [{ in: join(root, 'bench', 'engine-main.ts'), out: 'bench-engine' }],
    outdir,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: native,
    banner: { js: banner },
    minify: true,
  });
  return join(outdir, 'bench-engine.js');
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
  /** Ends the process that stays, where there is one. */
  close(): Promise<void>;
}

const env = { PATH: process.env['PATH'] ?? '' };

/** A process for each thing to do. */
const anewEach = (program: string): Pick<Engine, 'run' | 'close'> => ({
  run: async (options) => {
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const { ms, output } = await timed({ command: process.execPath, args: [program, ...args], env, user: undefined });
    const last = output.trim().split('\n').slice(-1).join('');
    return { ...toldShape.parse(JSON.parse(last)), ms };
  },
  close: () => Promise.resolve(),
});

/** One process for all, as an agent is: its program is loaded and compiled before the first thing that is timed. */
function stays(program: string): Pick<Engine, 'run' | 'close'> {
  const child = spawn(process.execPath, [program, '--action', 'serve'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'close');
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    run: async (options) => {
      const beganAt = performance.now();
      child.stdin.write(`${JSON.stringify(options)}\n`);
      const answer: IteratorResult<string, unknown> = await answers.next();
      const ms = performance.now() - beganAt;
      if (answer.done === true) throw fail('tool_failed', { tool: program, status: 'its end', output: '' });
      return { ...toldShape.parse(JSON.parse(answer.value)), ms };
    },
    close: async () => {
      child.stdin.end();
      await exited;
    },
  };
}

/** Makes a new pool on the local disk below `home`, which is made too. */
export async function openEngine(home: string, process: 'anew' | 'stays' = 'anew'): Promise<Engine> {
  const program = await bundleEngine();
  mkdirSync(home, { mode: 0o755 });
  const directory = join(home, 'pool');
  const pool: PoolAccess = { poolId: newId('pool'), name: 'bench', place: { kind: 'local', directory }, secrets: {} };
  await createPool(pool, { nowMs: () => Date.now() });
  const always: EngineOptions = { home, channels: '2', pool: directory, 'pool-id': pool.poolId };
  const engine = process === 'stays' ? stays(program) : anewEach(program);
  return {
    poolDirectory: directory,
    run: (options) => engine.run({ ...always, ...options }),
    close: () => engine.close(),
  };
}
