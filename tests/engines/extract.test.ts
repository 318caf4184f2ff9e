import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { ExtractReport } from '#core/restore/report.ts';
import { extractSet } from '#agent/extract/extract-set.ts';
import { namesOfSet } from '#agent/extract/names-of-set.ts';
import { openSet } from '#agent/sets/open-set.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { incrementalOrder } from '#tests/support/chain.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';

let postgres: Postgres;
let bench: BackupBench;
let instance: InstanceAccess;
let set: SetSummary;
let path: string;

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true });
  bench = await openBackupBench();
  instance = await instanceAccess(postgres);
  const options = { archiveDirectory: postgres.archiveDirectory };
  await postgres.sql(`create table wide as select g as id, repeat('x', 900) as text from generate_series(1, 4000) g`);
  await postgres.sql('vacuum wide');
  path = String((await postgres.sql(`select pg_relation_filepath('wide') as path`))[0]?.['path']);
  const order = bench.order(instance, options);
  const summary = await bench.takeFullBackup(order, bench.step(order));
  await postgres.sql('update wide set id = -id where id % 500 = 0');
  const next = incrementalOrder(bench, instance, { summary, wanted: 'differential', source: 'page-lsn' }, options);
  set = await bench.takeFullBackup(next, bench.step(next));
});
afterAll(async () => {
  bench.close();
  await postgres.close();
});

const extract = (name: string, what: string, access = instance): Promise<ExtractReport> => {
  const runId = newTestId('run');
  const head = { kind: 'extract-set' as const, runId, hostId: newTestId('host'), pool: bench.pool, instance: access };
  const run = extractSet({ clock: { nowMs: () => Date.now() }, logDirectories: () => Promise.resolve([]) });
  const step = bench.step({ ...bench.order(instance), runId });
  return run({ ...head, setId: set.setId, what, directory: join(bench.folder, name) }, step);
};

test('D-013 a relation named in the catalog is extracted from a chain with all its forks, byte for byte', async () => {
  const report = await extract('by-name', 'postgres.public.wide');
  expect(report).toMatchObject({ sets: [set.setId, set.base?.setId], filesWritten: 3 });
  expect([...report.files].sort()).toEqual([path, `${path}_fsm`, `${path}_vm`]);
  const pool = await bench.openPool();
  const whole = await openSet(pool, set.setId);
  for (const file of report.files) {
    const found = readFileSync(join(report.directory, file));
    expect(Buffer.compare(found, Buffer.from(await whole.readMember(file))), file).toBe(0);
  }
  await pool.close();
  expect(readdirSync(report.directory)).toEqual(['base']);
});

test('D-013 of two runs that race for one directory through two names one writes and the other is refused', async () => {
  mkdirSync(join(bench.folder, 'raced'));
  symlinkSync(join(bench.folder, 'raced'), join(bench.folder, 'linked'));
  const ends = await Promise.allSettled([extract('raced', 'PG_VERSION'), extract('linked', 'postgres.public.wide')]);
  const done = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  const [refused] = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  expect(done).toHaveLength(1);
  expect(refused).toMatchObject({ code: expect.stringMatching(/^target_(of_other_run|not_empty)$/) as string });
  const [first] = done[0]?.files ?? [];
  expect(readdirSync(join(bench.folder, 'raced'))).toEqual([first?.split('/')[0]]);
});

test('D-013 one other file is extracted by its path; what the set does not have is refused and nothing is made', async () => {
  const report = await extract('by-path', 'PG_VERSION');
  expect(readFileSync(join(report.directory, 'PG_VERSION'), 'utf8')).toBe('15\n');
  await expect(extract('nothing', 'public.nothing')).rejects.toMatchObject({ code: 'extract_nothing' });
  await expect(extract('nothing', 'base/1/../../etc')).rejects.toMatchObject({ code: 'extract_nothing' });
  expect(existsSync(join(bench.folder, 'nothing'))).toBe(false);
});

test('D-013 a plain file needs no running instance, and names count only for a set on the way of the instance', async () => {
  const report = await extract('closed', 'postgresql.auto.conf', { ...instance, port: 1 });
  expect(report.files).toEqual(['postgresql.auto.conf']);
  await expect(extract('unreachable', 'public.wide', { ...instance, port: 1 })).rejects.not.toMatchObject({
    code: 'extract_nothing',
  });
  expect((await namesOfSet(set, instance)).get(path)).toBe('postgres.public.wide');
  for (const other of [{ systemId: '7' }, { branchId: '0'.repeat(32) }, { timeline: 2 }])
    await expect(namesOfSet({ ...set, ...other }, instance)).rejects.toMatchObject({ code: 'extract_names_other' });
});

test('an extraction never touches a directory that holds anything, or one inside a pool', async () => {
  mkdirSync(join(bench.folder, 'full'));
  writeFileSync(join(bench.folder, 'full', 'precious'), 'mine');
  await expect(extract('full', path)).rejects.toMatchObject({ code: 'target_not_empty' });
  expect(readdirSync(join(bench.folder, 'full'))).toEqual(['precious']);
  await expect(extract('pool/inside', path)).rejects.toMatchObject({ code: 'place_in_use' });
});

test('damage is found before a byte of it is written, and nothing is left', async () => {
  const folder = join(bench.folder, 'pool', 'sets', set.base?.setId ?? '');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bak'));
  const good = new Map(names.map((name) => [join(folder, name), readFileSync(join(folder, name))]));
  for (const [piece, bytes] of good) writeFileSync(piece, Buffer.alloc(bytes.length));
  await expect(extract('damaged', path)).rejects.toMatchObject({ code: 'object_damaged' });
  expect(readdirSync(join(bench.folder, 'damaged'))).toEqual([]);
  for (const [piece, bytes] of good) writeFileSync(piece, bytes);
});
