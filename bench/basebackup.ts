import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bug } from '#core/errors/fail.ts';
import { giveToUnprivileged, unprivilegedUser } from '#scripts/supervisor/unprivileged.ts';
import type { BenchCluster } from './cluster.ts';
import type { Contender, Measured } from './contender.ts';
import { bytesBelow, emptyFiles } from './contender.ts';
import { timed } from './timed.ts';

async function versionOf(command: string, cluster: BenchCluster): Promise<string> {
  const { output } = await timed({ command, args: ['--version'], env: cluster.env, user: unprivilegedUser() });
  return /\d+\.\d+/.exec(output)?.[0] ?? output.trim();
}

/** pg_basebackup into a tar with zstd 3 on the client, log fetched at the end. It has no restore command. */
export async function openBasebackup(cluster: BenchCluster): Promise<Contender> {
  const command = join(cluster.clients, 'pg_basebackup');
  const user = unprivilegedUser();
  return {
    name: 'pg_basebackup',
    version: await versionOf(command, cluster),
    options: 'tar, client-zstd:3, fast checkpoint, one process',
    async full(round): Promise<Measured> {
      const target = join(cluster.folder, 'plain', String(round));
      const args = ['-D', target, '-Ft', '--compress=client-zstd:3', '-c', 'fast', '-X', 'fetch'];
      const { ms, rssMiB } = await timed({ command, args, env: cluster.env, user });
      const storedBytes = bytesBelow(target);
      rmSync(target, { recursive: true });
      return { ms, rssMiB, storedBytes };
    },
  };
}

/**
 * pg_basebackup with its incrementals (server 17 and later), plain files; pg_combinebackup puts full and incremental
 * together, which is what a restore costs. What was taken and is no longer needed is removed.
 */
export async function openServerIncrementals(cluster: BenchCluster): Promise<Contender> {
  const command = join(cluster.clients, 'pg_basebackup');
  const user = unprivilegedUser();
  const folder = join(cluster.folder, 'plain');
  let [counter, full, latest] = [0, '', ''];
  const take = async (...more: readonly string[]): Promise<Measured & { readonly target: string }> => {
    const target = join(folder, String(counter++));
    const args = ['-D', target, '-Fp', '-c', 'fast', '-X', 'fetch', ...more];
    const { ms, rssMiB } = await timed({ command, args, env: cluster.env, user });
    return { ms, rssMiB, target, storedBytes: bytesBelow(target) };
  };
  return {
    name: 'pg_basebackup',
    version: await versionOf(command, cluster),
    options: 'plain files, fast checkpoint, one process; restore is pg_combinebackup of full and incremental',
    async full(): Promise<Measured> {
      const { target, ...measured } = await take();
      if (full !== '') rmSync(full, { recursive: true });
      full = target;
      return measured;
    },
    async incremental(): Promise<Measured> {
      if (full === '') throw bug('there is no full to build on yet');
      const { target, ...measured } = await take(`--incremental=${join(full, 'backup_manifest')}`);
      if (latest !== '') rmSync(latest, { recursive: true });
      latest = target;
      return measured;
    },
    async restore(round): Promise<Measured> {
      const target = join(folder, `combined-${String(round)}-${String(counter)}`);
      mkdirSync(target, { mode: 0o700 });
      giveToUnprivileged(target);
      const combine = join(cluster.clients, 'pg_combinebackup');
      const { ms, rssMiB } = await timed({
        command: combine,
        args: [full, latest, '-o', target],
        env: cluster.env,
        user,
      });
      emptyFiles(target);
      return { ms, rssMiB };
    },
  };
}
