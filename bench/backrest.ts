import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findOnPath } from '#scripts/servers/tool.mjs';
import { giveToUnprivileged, unprivilegedUser } from '#scripts/supervisor/unprivileged.ts';
import type { BenchCluster } from './cluster.ts';
import type { Contender, Measured } from './contender.ts';
import { bytesBelow, emptyFiles } from './contender.ts';
import { timed } from './timed.ts';

/** pgBackRest as it is found on PATH. */
export interface Backrest {
  readonly command: string;
  readonly version: string;
  readonly hasBundle: boolean;
  /** Block incrementals, since 2.46 for everybody; 2.45 has them behind an option. */
  readonly blocks: 'stable' | 'beta' | undefined;
}

/** Undefined when it is not installed. */
export async function findBackrest(): Promise<Backrest | undefined> {
  const command = findOnPath('pgbackrest');
  if (command === undefined) return undefined;
  const ask = async (...args: readonly string[]): Promise<string> =>
    (await timed({ command, args, env: {}, user: unprivilegedUser() })).output;
  const help = await ask('help', 'backup');
  const version = (await ask('version')).trim().replace(/^pgBackRest /, '');
  const hasBlocks = help.includes('--repo-block ');
  const isBeta = hasBlocks && (await ask('help', 'backup', 'repo-block')).includes('BETA');
  return {
    ...{ command, version, hasBundle: help.includes('--repo-bundle ') },
    blocks: hasBlocks ? (isBeta ? 'beta' : 'stable') : undefined,
  };
}

/** What every configuration of a bench says; `at` is a folder with repository, lock, spool and log. */
export const backrestLines = (at: string): readonly string[] => [
  '[global]',
  `repo1-path=${at}/repository`,
  `lock-path=${at}/lock`,
  `spool-path=${at}/spool`,
  `log-path=${at}/log`,
  'log-level-file=off',
  'log-level-console=warn',
  'process-max=2',
  'compress-type=zst',
  'compress-level=3',
];

/**
 * The usual one gets the log of the server, and has block incrementals where its version has them for everybody (the goals
 * name them). `block` is the beta of 2.45: it has a repository of its own and does not wait for any log.
 */
type Kind = 'usual' | 'block';

const hasBlocks = ({ blocks }: Backrest, kind: Kind): boolean => kind === 'block' || blocks === 'stable';

function configOf(cluster: BenchCluster, backrest: Backrest, { at, kind }: { at: string; kind: Kind }): string {
  return [
    ...backrestLines(at),
    'repo1-retention-full=99',
    ...(backrest.hasBundle ? ['repo1-bundle=y'] : []),
    ...(hasBlocks(backrest, kind) ? ['repo1-block=y'] : []),
    ...(kind === 'block' ? ['archive-check=n'] : []),
    'start-fast=y',
    'checksum-page=y',
    '[bench]',
    `pg1-path=${cluster.dataDirectory}`,
    `pg1-socket-path=${cluster.socket}`,
    `pg1-port=${String(cluster.port)}`,
    'pg1-user=postgres',
    '',
  ].join('\n');
}

function optionsOf(backrest: Backrest, kind: Kind): string {
  const bundle = backrest.hasBundle ? 'repo-bundle' : 'no repo-bundle: this version lacks it';
  const block = `repo-block${backrest.blocks === 'beta' ? ' (beta in this version)' : ''}`;
  const more = [...(hasBlocks(backrest, kind) ? [block] : []), ...(kind === 'block' ? ['archive-check=n'] : [])];
  return ['process-max 2, zst 3, start-fast, checksum-page', bundle, ...more, 'incrementals of type diff'].join(', ');
}

/**
 * pgBackRest with two processes, zst 3 and, where its version has them, bundled small files and block incrementals;
 * undefined when it is not installed, or has no beta of block incrementals and that is asked for. Its stanza is made here.
 */
export async function openBackrest(cluster: BenchCluster, kind: Kind = 'usual'): Promise<Contender | undefined> {
  const backrest = await findBackrest();
  if (backrest === undefined || (kind === 'block' && backrest.blocks !== 'beta')) return undefined;
  const name = kind === 'block' ? 'pgbackrest block' : 'pgbackrest';
  const at = join(cluster.folder, kind === 'block' ? 'backrest-block' : 'backrest');
  const config = join(at, 'pgbackrest.conf');
  const run = (...args: readonly string[]): ReturnType<typeof timed> => {
    const beta = kind === 'block' && backrest.blocks === 'beta' ? ['--beta'] : [];
    const all = [`--config=${config}`, '--stanza=bench', ...beta, ...args];
    return timed({ command: backrest.command, args: all, env: cluster.env, user: unprivilegedUser() });
  };
  writeFileSync(config, configOf(cluster, backrest, { at, kind }));
  giveToUnprivileged(config);
  await run('stanza-create');
  const backups = join(at, 'repository', 'backup', 'bench');
  const backUp = async (type: 'full' | 'diff'): Promise<Measured> => {
    const { ms, rssMiB } = await run(`--type=${type}`, '--no-expire-auto', 'backup');
    const labels = readdirSync(backups).filter((name) => name.endsWith(type === 'full' ? 'F' : 'D'));
    return { ms, rssMiB, storedBytes: bytesBelow(join(backups, labels.sort().slice(-1).join(''))) };
  };
  return {
    name,
    version: backrest.version,
    options: optionsOf(backrest, kind),
    full: () => backUp('full'),
    incremental: () => backUp('diff'),
    async restore(round): Promise<Measured> {
      const target = join(at, `restored-${String(round)}-${String(Date.now())}`);
      mkdirSync(target, { mode: 0o700 });
      giveToUnprivileged(target);
      const { ms, rssMiB } = await run(`--pg1-path=${target}`, 'restore');
      emptyFiles(target);
      return { ms, rssMiB };
    },
  };
}
