import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { formatId } from '#core/id.ts';
import { asideOf } from '#agent/datadir/writer-aside.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import { discover, discoverPrograms } from './discover.ts';

const runId = formatId('run', 0, new Uint8Array(10));

test('a closed instance below a root is found; what a restore keeps aside or is writing is no instance', async () => {
  const closed = await openPostgres({ isClosed: true, config: ['port = 6543'] });
  onTestFinished(() => closed.close());
  const copyTo = (directory: string): void => {
    mkdirSync(join(directory, 'global'), { recursive: true });
    for (const name of ['PG_VERSION', 'global/pg_control', 'postgresql.conf'])
      cpSync(join(closed.dataDirectory, name), join(directory, name));
  };
  copyTo(asideOf(closed.dataDirectory, runId));
  copyTo(join(closed.folder, 'begun'));
  writeFileSync(join(closed.folder, 'begun', '.holdfast-restore'), `${runId}\n`);
  expect(await discover({ roots: [closed.folder], processes: '/proc/self/task' })).toEqual([
    expect.objectContaining({ dataDirectory: closed.dataDirectory, isRunning: false, port: 6543 }),
  ]);
  expect(await discover({ roots: [], processes: '/proc/self/task' })).toEqual([]);
});

test('a restore finds the programs of every server that runs on the host, and of closed ones where it was told to look', async () => {
  const instance = await openPostgres({});
  onTestFinished(() => instance.close());
  const found = discoverPrograms({ roots: [], processes: '/proc' });
  expect(found.filter((directory) => existsSync(join(directory, 'postgres'))).length).toBeGreaterThan(0);
  mkdirSync(join(instance.folder, 'old', 'global'), { recursive: true });
  writeFileSync(join(instance.folder, 'old', 'global', 'pg_control'), 'x');
  writeFileSync(join(instance.folder, 'old', 'postmaster.opts'), '/srv/pg-14/bin/postgres "-D" "/srv/data"\n');
  expect(discoverPrograms({ roots: [instance.folder], processes: '/proc/self/task' })).toContain('/srv/pg-14/bin');
});
