import { copyFileSync, linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { applyChange, logChanges } from './changes.ts';
import type { BenchCluster } from './cluster.ts';

/** Segments of 16 MiB that every contender stores. */
export const segmentsPushed = 48;
const archiverMs = 300_000;

/** Segments in order, with a directory that looks like the server's while it has archived none of them. */
export interface Log {
  readonly folder: string;
  readonly data: string;
  readonly archive: string;
  readonly names: readonly string[];
}

const segmentsIn = (directory: string): readonly string[] =>
  readdirSync(directory)
    .filter((name) => /^[0-9A-F]{24}$/.test(name))
    .sort();

/** Lets the server write and archive real log until there is enough: changed pages, appended rows, single transactions. */
async function produceLog(cluster: BenchCluster): Promise<readonly string[]> {
  const before = segmentsIn(cluster.archiveDirectory).length;
  const until = Date.now() + archiverMs;
  for (;;) {
    const names = segmentsIn(cluster.archiveDirectory).slice(before);
    if (names.length >= segmentsPushed) return names.slice(0, segmentsPushed);
    if (Date.now() > until)
      throw fail('bench_not_comparable', { contender: 'the server', why: 'it archived too little' });
    for (const change of logChanges) await applyChange(cluster, change);
    await wait(500);
  }
}

/** Lets the server write log, then puts it where contenders find it. */
export async function layOutLog(cluster: BenchCluster): Promise<Log> {
  const names = await produceLog(cluster);
  const folder = join(cluster.folder, 'log');
  const [data, archive] = [join(folder, 'data'), join(folder, 'archive')];
  for (const each of [folder, data, join(data, 'global'), join(data, 'pg_wal'), archive]) mkdirSync(each);
  for (const name of names) {
    linkSync(join(cluster.archiveDirectory, name), join(data, 'pg_wal', name));
    linkSync(join(cluster.archiveDirectory, name), join(archive, name));
  }
  copyFileSync(join(cluster.dataDirectory, 'global', 'pg_control'), join(data, 'global', 'pg_control'));
  copyFileSync(join(cluster.dataDirectory, 'PG_VERSION'), join(data, 'PG_VERSION'));
  for (const entry of ['', 'data', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })])
    giveToUnprivileged(join(folder, entry));
  return { folder, data, archive, names };
}

/** Everything is marked as waiting for the archiver, as the server marks it. */
export function markReady({ data, names }: Log): void {
  const status = join(data, 'pg_wal', 'archive_status');
  rmSync(status, { recursive: true, force: true });
  mkdirSync(status);
  giveToUnprivileged(status);
  for (const name of names) {
    writeFileSync(join(status, `${name}.ready`), '');
    giveToUnprivileged(join(status, `${name}.ready`));
  }
}
