import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { neededLog } from '#agent/backup/needed-log.ts';
import type { NeededLog } from '#agent/backup/needed-log.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';

let postgres: Postgres;
let needed: NeededLog;
let archive: string;
const names: string[] = [];

beforeAll(async () => {
  postgres = await openPostgres({ major: 15 });
  const [row] = await postgres.sql(
    'select pg_current_wal_insert_lsn()::text as begin, pg_walfile_name(pg_current_wal_insert_lsn()) as name, system_identifier::text as id from pg_control_system()',
  );
  await postgres.sql('create table first (n int)');
  await postgres.sql('select pg_switch_wal()');
  await postgres.sql('create table second (n int)');
  const [end] = await postgres.sql(
    'select pg_current_wal_lsn()::text as lsn, pg_walfile_name(pg_current_wal_lsn()) as name',
  );
  await postgres.sql('select pg_switch_wal()');
  names.push(String(row?.['name']), String(end?.['name']));
  archive = join(postgres.folder, 'elsewhere');
  mkdirSync(archive);
  // Time passes by a minute with each look, so that a search ends at its second one.
  let nowMs = 0;
  const clock = { nowMs: () => (nowMs += 60_001) };
  const range = {
    timeline: 1,
    beginLsn: parseLsn(String(row?.['begin'])),
    endLsn: parseLsn(String(end?.['lsn'])),
    segmentBytes: 16_777_216,
  };
  const logDirectory = join(postgres.dataDirectory, 'pg_wal');
  needed = {
    range,
    systemId: String(row?.['id']),
    instance: '/run:5432',
    logDirectory,
    archiveDirectory: archive,
    clock,
    signal: new AbortController().signal,
  };
});
afterAll(async () => {
  await postgres.close();
});

async function read(changes: Partial<NeededLog> = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of neededLog({ ...needed, ...changes })) found.push(name);
  return found;
}

test('takes the log of a backup from pg_wal, and from the archive where the server has recycled it', async () => {
  expect(await read()).toEqual(names);
  const logDirectory = join(postgres.folder, 'recycled');
  mkdirSync(logDirectory);
  copyFileSync(join(needed.logDirectory, names[1] ?? ''), join(logDirectory, names[1] ?? ''));
  await expect(read({ logDirectory })).rejects.toMatchObject({
    code: 'log_segment_missing',
    params: { segment: names[0], archive },
  });
  copyFileSync(join(needed.logDirectory, names[0] ?? ''), join(archive, names[0] ?? ''));
  expect(await read({ logDirectory })).toEqual(names);
});

test('refuses log of another cluster, of another place and log that is damaged before the end of the backup', async () => {
  await expect(read({ systemId: '42' })).rejects.toMatchObject({
    code: 'log_segment_damaged',
    params: { reason: expect.stringContaining('belongs to the cluster') as unknown },
  });
  const logDirectory = join(postgres.folder, 'damaged');
  mkdirSync(logDirectory);
  const [first = '', second = ''] = names;
  copyFileSync(join(needed.logDirectory, second), join(logDirectory, first));
  await expect(read({ logDirectory })).rejects.toMatchObject({
    code: 'log_segment_damaged',
    params: { reason: expect.stringContaining('holds the log from') as unknown },
  });
  const bytes = readFileSync(join(needed.logDirectory, first));
  bytes.fill(0, 8192, 16_384);
  writeFileSync(join(logDirectory, first), bytes);
  await expect(read({ logDirectory })).rejects.toMatchObject({
    code: 'log_segment_damaged',
    params: { reason: expect.stringContaining('valid log ends') as unknown },
  });
  rmSync(logDirectory, { recursive: true });
});

test('stops looking when the backup is cancelled', async () => {
  const empty = join(postgres.folder, 'empty');
  mkdirSync(empty);
  await expect(
    read({ logDirectory: empty, archiveDirectory: undefined, signal: AbortSignal.abort() }),
  ).rejects.toMatchObject({ code: 'cancelled' });
});
