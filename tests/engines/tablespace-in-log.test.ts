import { readdirSync, renameSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import type { RestorePlace } from '#core/restore/plan/plan.ts';
import type { RestoreTarget } from '#core/restore/target.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

const tablespaceInLog = { code: 'tablespace_in_log' };

/** A server and its first full; `makeTablespace` puts 1000 rows of a table of 2000 behind the point `p`, and backs up the log. */
async function openStage() {
  const postgres = await openPostgres({ archive: true, isDurable: true });
  const bench = await openBackupBench();
  const restores = openRestoreBench(bench, postgres);
  onTestFinished(async () => {
    await restores.close();
    bench.close();
    await postgres.close();
  });
  const instance = await instanceAccess(postgres);
  const space = restores.directory('late');
  restores.makeTablespaceDirectory(space);
  const fill = async (from: number, to: number): Promise<void> => {
    await postgres.sql(`insert into kept select g from generate_series(${String(from)}, ${String(to)}) g`);
  };
  const create = async (): Promise<void> => {
    await postgres.sql(`create tablespace late location '${space}'`);
    await postgres.sql('create table kept (id int) tablespace late');
    await fill(1, 1000);
  };
  return {
    ...{ postgres, bench, restores, instance, space, create, fill },
    order: bench.order(instance, { archiveDirectory: postgres.archiveDirectory }),
    rows: async () => (await postgres.sql('select count(*)::int as n, max(id) as most from kept'))[0],
    restart: async () => {
      await postgres.stop();
      await postgres.start();
    },
    restore: (target: RestoreTarget, place: RestorePlace) =>
      restores.restore(restores.order(restores.plan({ target, place }), place.kind === 'in-place' ? { instance } : {})),
  };
}

type Stage = Awaited<ReturnType<typeof openStage>>;

async function makeLate({ postgres, restores, instance, bench, order, create, fill }: Stage): Promise<void> {
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
  await postgres.sql("select pg_create_restore_point('before')");
  await create();
  await postgres.sql("select pg_create_restore_point('p')");
  await fill(1001, 2000);
  await postgres.sql('vacuum freeze kept');
  await restores.backUpLog(instance, postgres.archiveDirectory);
  await postgres.sql('checkpoint');
}

const copyTo = (directory: string): RestorePlace => ({ kind: 'copy', directory });

test('K-095 a copy whose log makes a tablespace is refused before its server starts, and production keeps its rows', async () => {
  const stage = await openStage();
  await makeLate(stage);
  const { restores } = stage;
  const directory = restores.directory('copy');
  for (const target of [{ at: 'name', name: 'p' }, { at: 'latest' }] as const) {
    await expect(stage.restore(target, copyTo(directory))).rejects.toMatchObject(tablespaceInLog);
    expect(readdirSync(directory)).toEqual([]);
  }
  await stage.restart();
  expect(await stage.rows()).toEqual({ n: 2000, most: 2000 });
  const report = await stage.restore({ at: 'name', name: 'before' }, copyTo(directory));
  expect(await restores.sql(report, "select count(*)::int as n from pg_tablespace where spcname = 'late'")).toEqual([
    { n: 0 },
  ]);
  await restores.stop(directory);
}, 120_000);

test('K-095 a tablespace that was made while its set was copied leads no copy to production', async () => {
  const stage = await openStage();
  const { postgres, bench, restores, order } = stage;
  await postgres.sql(
    'create table big as select g as id, repeat(md5(g::text), 10) as b from generate_series(1, 30000) g',
  );
  let made: Promise<void> | undefined;
  const step = bench.step(order, {
    limits: () => ({ diskBytesPerSecond: 8 * 1048576 }),
    log: ({ message }) => {
      if (message.includes('phase copy')) made ??= stage.create();
    },
  });
  restores.sets.push(await bench.takeFullBackup(order, step));
  expect(made).toBeDefined();
  await made;
  expect(restores.sets[0]?.tablespaces).toEqual([]);
  await stage.fill(1001, 2000);
  await postgres.sql('checkpoint');
  await expect(stage.restore({ at: 'immediate' }, copyTo(restores.directory('copy')))).rejects.toMatchObject(
    tablespaceInLog,
  );
  await stage.restart();
  expect(await stage.rows()).toEqual({ n: 2000, most: 2000 });
}, 120_000);

test('K-095 in place the rows behind the point do not come back: refused, given back, and right once the old tablespace was moved away', async () => {
  const stage = await openStage();
  await makeLate(stage);
  const { postgres, restores, space } = stage;
  const place: RestorePlace = {
    ...{ kind: 'in-place', resourceId: newTestId('res'), directory: postgres.dataDirectory },
    consent: 'test resource',
  };
  await postgres.stop();
  await expect(stage.restore({ at: 'name', name: 'p' }, place)).rejects.toMatchObject(tablespaceInLog);
  await postgres.start();
  expect(await stage.rows()).toEqual({ n: 2000, most: 2000 });
  await postgres.stop();
  renameSync(space, `${space}.old`);
  restores.makeTablespaceDirectory(space);
  const report = await stage.restore({ at: 'name', name: 'p' }, place);
  expect(await restores.sql(report, 'select count(*)::int as n, max(id) as most from kept')).toEqual([
    { n: 1000, most: 1000 },
  ]);
}, 120_000);
