import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findOnPath } from '#scripts/servers/tool.mjs';
import { giveToUnprivileged, unprivilegedUser } from '#scripts/supervisor/unprivileged.ts';
import type { BenchCluster } from './cluster.ts';
import type { Contender, Measured } from './contender.ts';
import { bytesBelow, emptyFiles } from './contender.ts';
import { timed } from './timed.ts';

function backrestConfig({ folder, dataDirectory, socket, port }: BenchCluster, hasBundle: boolean): string {
  const at = join(folder, 'backrest');
  return [
    '[global]',
    `repo1-path=${at}/repository`,
    'repo1-retention-full=99',
    ...(hasBundle ? ['repo1-bundle=y'] : []),
    `lock-path=${at}/lock`,
    `spool-path=${at}/spool`,
    `log-path=${at}/log`,
    'log-level-file=off',
    'log-level-console=warn',
    'process-max=2',
    'compress-type=zst',
    'compress-level=3',
    'start-fast=y',
    'checksum-page=y',
    '[bench]',
    `pg1-path=${dataDirectory}`,
    `pg1-socket-path=${socket}`,
    `pg1-port=${String(port)}`,
    'pg1-user=postgres',
    '',
  ].join('\n');
}

/** pgBackRest with two processes, zst 3 and, where its version has it, bundled small files; undefined when it is not installed. */
export async function openBackrest(cluster: BenchCluster): Promise<Contender | undefined> {
  const command = findOnPath('pgbackrest');
  if (command === undefined) return undefined;
  const user = unprivilegedUser();
  const config = join(cluster.folder, 'backrest', 'pgbackrest.conf');
  const run = (...args: readonly string[]): ReturnType<typeof timed> =>
    timed({ command, args: [`--config=${config}`, '--stanza=bench', ...args], env: cluster.env, user });
  const ask = async (...args: readonly string[]): Promise<string> =>
    (await timed({ command, args, env: cluster.env, user })).output;
  const hasBundle = (await ask('help', 'backup')).includes('--repo-bundle ');
  writeFileSync(config, backrestConfig(cluster, hasBundle));
  giveToUnprivileged(config);
  await run('stanza-create');
  const backups = join(cluster.folder, 'backrest', 'repository', 'backup', 'bench');
  return {
    name: 'pgbackrest',
    version: (await ask('version')).trim().replace(/^pgBackRest /, ''),
    options: `process-max 2, zst 3, start-fast, checksum-page, ${hasBundle ? 'repo-bundle' : 'no repo-bundle: this version lacks it'}`,
    async full(): Promise<Measured> {
      const { ms, rssMiB } = await run('--type=full', '--no-expire-auto', 'backup');
      const [label = ''] = readdirSync(backups)
        .filter((name) => name.endsWith('F'))
        .sort()
        .reverse();
      return { ms, rssMiB, storedBytes: bytesBelow(join(backups, label)) };
    },
    async restore(round): Promise<Measured> {
      const target = join(cluster.folder, `backrest-restored-${String(round)}`);
      mkdirSync(target, { mode: 0o700 });
      giveToUnprivileged(target);
      const { ms, rssMiB } = await run(`--pg1-path=${target}`, 'restore');
      emptyFiles(target);
      return { ms, rssMiB };
    },
  };
}

/** pg_basebackup into a tar with zstd 3 on the client, log fetched at the end. It has no restore command. */
export async function openBasebackup(cluster: BenchCluster): Promise<Contender> {
  const command = join(cluster.programs, 'pg_basebackup');
  const user = unprivilegedUser();
  const { output } = await timed({ command, args: ['--version'], env: cluster.env, user });
  return {
    name: 'pg_basebackup',
    version: /\d+\.\d+/.exec(output)?.[0] ?? output.trim(),
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
