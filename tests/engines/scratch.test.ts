import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';
import { readPidFile } from '#agent/datadir/reader.ts';
import { begunScratches, discardScratch } from '#agent/scratch/scratch-base.ts';
import type { Scratch } from '#agent/scratch/open-scratch.ts';
import { openScratch } from '#agent/scratch/open-scratch.ts';
import { stopLeftServer } from '#agent/restore/recovery/stop-left-server.ts';
import { fail } from '#core/errors/fail.ts';
import { scratchPlace } from '#core/restore/scratch-place.ts';

const major: Major = 18;
let postgres: Postgres;
let bench: BackupBench;
let restores: RestoreBench;

beforeAll(async () => {
  postgres = await openPostgres({ major, archive: true });
  bench = await openBackupBench();
  restores = openRestoreBench(bench, postgres);
  const place = join(postgres.folder, 'far');
  restores.makeTablespaceDirectory(place);
  await postgres.sql(`create tablespace far location '${place}'`);
  await postgres.sql('create table far_rows tablespace far as select g as id from generate_series(1, 500) g');
  const order = bench.order(await instanceAccess(postgres), { archiveDirectory: postgres.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
});
afterAll(async () => {
  bench.close();
  await postgres.close();
});

const ground = () => ({ home: bench.home });

/** The scratch instance of a run; a second call is another attempt of that run. */
function opener(runId = newTestId('run')): (signal?: AbortSignal) => Promise<Scratch> {
  const open = openScratch({
    ...{ home: bench.home, clock: { nowMs: () => Date.now() }, newId: newTestId, account: restores.account },
    channel: { putBatch: () => Promise.resolve() },
    programs: () => Promise.resolve([postgres.programs]),
    logDirectories: () => Promise.resolve([]),
  });
  const plan = restores.plan({ target: { at: 'immediate' }, place: scratchPlace });
  const { pool, hostId } = restores.order(plan);
  const resourceId = newTestId('res');
  return (signal = new AbortController().signal) =>
    open(
      { ...{ runId, hostId, pool, plan, resourceId }, limits: {}, channels: 1, user: 'nobody_here' },
      { runId, signal, limits: () => ({}), report: () => undefined, log: () => undefined },
    );
}

const serverOf = ({ directory }: Scratch): number => readPidFile(directory)?.pid ?? 0;
const rowsIn = async (scratch: Scratch): Promise<unknown> => {
  const session = await scratch.session('postgres');
  try {
    return (await session.queryOne('select count(*)::int as n from public.far_rows'))['n'];
  } finally {
    await session.close();
  }
};

test('K-105 a scratch instance is made once, survives its attempts and its server, and leaves nothing', async () => {
  const runId = newTestId('run');
  const open = opener(runId);
  const first = await open();
  expect(await rowsIn(first)).toBe(500);
  const session = await first.session();
  expect(
    await session.queryOne("select current_setting('listen_addresses') as at, current_setting('archive_mode') as log"),
  ).toEqual({ at: '', log: 'off' });
  await session.close();
  const pid = serverOf(first);
  const again = await open();
  expect(serverOf(again)).toBe(pid);
  await stopLeftServer(first.directory);
  const third = await open();
  expect(serverOf(third)).not.toBe(pid);
  expect(await rowsIn(third)).toBe(500);
  expect(begunScratches(ground())).toEqual([runId]);
  await third.discard();
  await third.discard();
  expect(begunScratches(ground())).toEqual([]);
  expect(readdirSync(join(bench.home, 'scratch'))).toEqual([]);
  expect(existsSync(join('/proc', String(serverOf(third))))).toBe(false);
});

test('a scratch instance whose run is over is found and discarded by its note alone, and can be made anew', async () => {
  const runId = newTestId('run');
  const left = await opener(runId)();
  await discardScratch(ground(), runId);
  expect(existsSync(left.directory)).toBe(false);
  const made = await opener(runId)();
  expect(await rowsIn(made)).toBe(500);
  await made.discard();
});

test('a scratch instance that is cancelled while it is made leaves nothing', async () => {
  const runId = newTestId('run');
  const stopping = new AbortController();
  stopping.abort(fail('cancelled', { what: 'the run' }));
  await expect(opener(runId)(stopping.signal)).rejects.toMatchObject({ code: 'cancelled' });
  expect(begunScratches(ground())).toEqual([]);
});
