import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createPool } from '#agent/pools/open-pool.ts';
import { bug } from '#core/errors/fail.ts';
import { setPrefix } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { productVersion } from '#core/version.ts';
import type { BenchCluster } from './cluster.ts';
import type { Contender, Measured } from './contender.ts';
import { bytesBelow, emptyFiles } from './contender.ts';
import { bundleEngine, newId } from './engine.ts';
import { timed } from './timed.ts';

function rssOf(output: string): number {
  const found = /"rssMiB":(\d+)/.exec(output)?.[1];
  if (found === undefined) throw bug(`the bench engine did not tell its memory: ${output}`);
  return Number(found);
}

/** Our engine as a child process: pool on the same disk, two channels, zstd 3, page checksums, log in the set. */
export async function openHoldfast(cluster: BenchCluster): Promise<Contender> {
  const engine = await bundleEngine();
  const home = join(cluster.folder, 'holdfast');
  mkdirSync(home, { mode: 0o755 });
  const directory = join(home, 'pool');
  const pool: PoolAccess = { poolId: newId('pool'), name: 'bench', place: { kind: 'local', directory }, secrets: {} };
  await createPool(pool, { nowMs: () => Date.now() });
  let latest: SetId | undefined;
  const run = (action: string, setId: SetId, target: string): ReturnType<typeof timed> => {
    const { dataDirectory, socket, port, systemId, passwordFile } = cluster;
    const options = {
      ...{ action, home, data: dataDirectory, socket, port: String(port), 'system-id': systemId, pool: directory },
      ...{
        'pool-id': pool.poolId,
        'set-id': setId,
        'password-file': passwordFile,
        archive: join(cluster.folder, 'archive'),
        target,
      },
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    return timed({ command: process.execPath, args: [engine, ...args], env: cluster.env, user: undefined });
  };
  return {
    name: 'holdfast',
    version: productVersion,
    options: 'engine alone, 2 channels, zstd 3, page checksums, log in the set',
    async full(): Promise<Measured> {
      latest = newId('set');
      const { ms, output } = await run('full', latest, '-');
      return { ms, rssMiB: rssOf(output), storedBytes: bytesBelow(join(directory, setPrefix(latest))) };
    },
    async restore(round): Promise<Measured> {
      if (latest === undefined) throw bug('nothing to restore yet');
      const target = join(home, `restored-${String(round)}`);
      const { ms, output } = await run('restore', latest, target);
      emptyFiles(target);
      return { ms, rssMiB: rssOf(output) };
    },
  };
}
