import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readIfPresent } from '#agent/datadir/reader.ts';
import type { OrderOf } from '#core/agent/order.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { differingFiles, restoreFiles } from '#tests/support/chain.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

/** More files and bytes than one thread gets at a time, so that all threads have something to do. */
const tables = 40;

/** Two threads a processor with some 25 MiB each, beside a program that loads TypeScript: far more if each channel had a thread. */
const mostMiB = 450 + 2 * availableParallelism() * 50;

let postgres: Postgres;
let bench: BackupBench;
beforeAll(async () => {
  postgres = await openPostgres({ major: 18, archive: true });
  bench = await openBackupBench();
  // Statistics that it gathers between two backups would differ.
  for (const statement of ['alter system set autovacuum = off', 'select pg_reload_conf()'])
    await postgres.sql(statement);
  for (let n = 0; n < tables; n++)
    await postgres.sql(`create table t${String(n)} as select g, md5(g::text) as text from generate_series(1, 5000) g`);
  for (const statement of ['vacuum freeze', 'checkpoint']) await postgres.sql(statement);
});
afterAll(async () => {
  bench.close();
  await postgres.close();
});

/** Takes a full backup in a process of its own; its peak resident memory in MiB, as Linux tells after each step of progress. */
async function peakOf(order: OrderOf<'full-backup'>): Promise<number> {
  const program = join(import.meta.dirname, '..', 'support', 'backup-program.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', program, bench.home], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  child.stdin.end(JSON.stringify(order));
  let peakKiB = 0;
  createInterface(child.stdout).on('line', () => {
    const status = readIfPresent(`/proc/${String(child.pid)}/status`) ?? '';
    peakKiB = Math.max(peakKiB, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? '0'));
  });
  expect(await ended).toEqual([0, null]);
  return peakKiB / 1024;
}

const openOrder = async (channels: number): Promise<OrderOf<'full-backup'>> =>
  bench.order(await instanceAccess(postgres), { channels, archiveDirectory: postgres.archiveDirectory });

test('K-081 K-106 backups and restores with 1, 2, 64 and 255 channels give the same files in bounded memory', async () => {
  const order = await openOrder(1);
  await peakOf(order);
  const one = await restoreFiles(bench, order.setId, 'with-1', 1);
  for (const channels of [2, 64, 255]) {
    const other = await openOrder(channels);
    expect(await peakOf(other), `${String(channels)} channels`).toBeLessThan(mostMiB);
    // The set of one channel restored with many, and the set of many with as many.
    expect(differingFiles(one, await restoreFiles(bench, order.setId, `all-${String(channels)}`, channels))).toBe('');
    const many = await restoreFiles(bench, other.setId, `with-${String(channels)}`, channels);
    expect(differingTables(differingFiles(one, many))).toBe('');
  }
});

/** What differs between two backups although nobody wrote a row: control file, label, statistics, log. */
const differingTables = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.includes('/base/'))
    .join('\n');

test('K-081 a run with more channels than threads says how many threads work', async () => {
  const order = await openOrder(255);
  bench.lines.splice(0);
  await bench.takeFullBackup(order, bench.step(order));
  const threads = String(2 * availableParallelism());
  expect(bench.lines.map(({ message }) => message)).toContain(
    `255 channels share ${threads} threads: more would gain nothing`,
  );
});
