import { appendFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import { coverage } from '#core/log/coverage.ts';
import { gapsOnWay } from '#core/log/switches/gaps-on-way.ts';
import type { LogTimeline } from '#core/log/timeline.ts';
import { lsnToNumber, parseLsn } from '#core/wal/lsn.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import { newTestId } from '#tests/support/backup.ts';
import type { Major } from '#tests/support/postgres.ts';
import type { Standby } from '#tests/support/standby.ts';
import { openStandby } from '#tests/support/standby.ts';
import type { RunningStream, StreamStage } from '#tests/support/stream-stage.ts';
import { openStreamStage } from '#tests/support/stream-stage.ts';

const majors: readonly Major[] = process.env['HOLDFAST_MATRIX'] === '1' ? [12, 13, 14, 15, 16, 17, 18] : [15];

let stage: StreamStage;
let standby: Standby | undefined;
afterEach(async () => {
  await standby?.close();
  standby = undefined;
  await stage.close();
});

async function takeFull(instance: InstanceAccess): Promise<void> {
  const order = stage.bench.order(instance, { archiveDirectory: stage.postgres.archiveDirectory });
  stage.restores.sets.push(await stage.bench.takeFullBackup(order, stage.bench.step(order)));
}

/** Rows of the table in a copy that was restored to the latest point. */
async function rowsAtLatest(name: string): Promise<unknown> {
  const { restores } = stage;
  const place = { kind: 'copy' as const, directory: restores.directory(name) };
  const report = await restores.restore(restores.order(restores.plan({ target: { at: 'latest' }, place })));
  const [row] = await restores.sql(report, 'select count(*)::int as n from t');
  await restores.stop(place.directory);
  return row?.['n'];
}

const timeline = (): LogTimeline => coverage({ sets: stage.restores.sets, batches: stage.batches });
const gaps = (): unknown[] => timeline().branches.flatMap((branch) => branch.gaps);
const rows = (count: number): string =>
  `insert into t select g, md5(g::text) from generate_series(1, ${String(count)}) g`;

/** The standby takes over from a primary that died, at the address where it is. */
async function promoted({ order }: RunningStream, next: Standby) {
  const { dataDirectory, socketDirectory } = next;
  await stage.postgres.kill();
  await next.sql('select pg_promote(true, 60)');
  await next.sql(rows(5));
  return { ...order, instance: { ...order.instance, dataDirectory, socket: socketDirectory } };
}

async function untilReplayed(next: Standby): Promise<void> {
  const [row] = await stage.postgres.sql('select pg_current_wal_lsn()::text as lsn');
  const isThere = async (): Promise<boolean> =>
    (await next.sql(`select pg_last_wal_replay_lsn() >= '${String(row?.['lsn'])}' as is_there`))[0]?.['is_there'] ===
    true;
  expect(await waitFor(isThere, 20_000)).toBe(true);
}

describe.each(majors)('K-049 the log of PostgreSQL %i is streamed', (major) => {
  test('over a crash of the server and over a switch of timelines, with the old branch to its end', async () => {
    stage = await openStreamStage({ major, archive: true });
    const { postgres, access, untilCovered } = stage;
    await postgres.sql('create table t (a int, b text)');
    await takeFull(access);
    const stream = stage.stream();
    await postgres.sql(rows(100));
    await untilCovered();
    await postgres.kill();
    await postgres.start();
    await postgres.sql(rows(10));
    await untilCovered();
    expect(gaps()).toEqual([]);
    // An archive recovery to the end of the own log: the server comes back on timeline 2.
    await postgres.stop();
    appendFileSync(join(postgres.dataDirectory, 'postgresql.auto.conf'), "restore_command = 'false'\n");
    writeFileSync(join(postgres.dataDirectory, 'recovery.signal'), '');
    giveToUnprivileged(join(postgres.dataDirectory, 'recovery.signal'));
    await postgres.start();
    const isOpen = async (): Promise<boolean> => {
      const [row] = await postgres.sql('select pg_is_in_recovery() as is_standby');
      return row?.['is_standby'] === false;
    };
    expect(await waitFor(isOpen, 20_000)).toBe(true);
    await postgres.sql(rows(5));
    await untilCovered();
    expect(timeline().branches.map((branch) => branch.timeline)).toEqual([1, 2]);
    expect(gaps()).toEqual([]);
    const told = stream.lines.join('\n');
    expect(told).toMatch(/left timeline 1 at 0\/[0-9A-F]+: take a full backup of the new one/);
    expect(told).not.toMatch(/abandoned|missing/);
    for (const statement of ['select pg_switch_wal()', rows(1)]) await postgres.sql(statement);
    await untilCovered();
    expect(await stream.stop()).toMatchObject({ code: 'agent_stopping' });
    for (const statement of [rows(1), 'select pg_switch_wal()', rows(1)]) await postgres.sql(statement);
    const again = stage.stream(stream);
    await untilCovered();
    expect(gaps()).toEqual([]);
    expect(again.lines.join('\n')).not.toMatch(/abandoned|missing/);
    expect(await rowsAtLatest('switched')).toBe(118);
    rmSync(join(postgres.dataDirectory, 'recovery.signal'), { force: true });
    await again.cancel();
  });

  test('over a failover: the slot is gone, the next stream follows the new primary and names what was committed and lost', async () => {
    stage = await openStreamStage({ major, archive: true });
    const { postgres, access, untilCovered } = stage;
    await postgres.sql('create table t (a int, b text)');
    standby = await openStandby(postgres);
    await takeFull(access);
    const first = stage.stream();
    await postgres.sql(rows(100));
    await untilCovered();
    expect(first.lines.join('\n')).toMatch(major >= 13 ? /max_slot_wal_keep_size is -1/ : /cannot bound/);
    await untilReplayed(standby);
    await standby.cut();
    await postgres.sql(rows(1000));
    await untilCovered();
    const order = await promoted(first, standby);
    await first.stop();
    expect(await stage.stream({ order }).end).toMatchObject({ code: 'slot_lost' });
    const next = stage.stream({ order: { ...order, runId: newTestId('run') } });
    await untilCovered(standby);
    const told = next.lines.join('\n');
    expect(told).toMatch(/left timeline 1 at 0\/[0-9A-F]+: take a full backup of the new one/);
    expect(told).toMatch(/its log from 0\/[0-9A-F]+ to 0\/[0-9A-F]+, which the pool holds, was abandoned/);
    expect(timeline().branches.map((branch) => branch.timeline)).toEqual([1, 2]);
    expect(gaps()).toEqual([]);
    expect(await rowsAtLatest('failed-over')).toBe(105);
    expect(await next.cancel()).toMatchObject({ code: 'cancelled' });
    expect(await standby.sql("select 1 from pg_replication_slots where slot_name like 'holdfast%'")).toEqual([]);
  });

  test.each([
    ['in the segment of the switch', []],
    ['behind that segment', ['select pg_switch_wal()', rows(1)]],
  ])('over a failover to a server that keeps log only from a place %s: the lost range is named', async (_, late) => {
    stage = await openStreamStage({ major, archive: true });
    const { postgres, untilCovered } = stage;
    await postgres.sql('create table t (a int, b text)');
    standby = await openStandby(postgres);
    await standby.sql("select pg_drop_replication_slot('for_the_standby')");
    const first = stage.stream();
    await untilCovered();
    await first.stop();
    for (let i = 0; i < 3; i++) {
      await postgres.sql(rows(1000));
      await postgres.sql('select pg_switch_wal()');
    }
    await postgres.sql('checkpoint');
    await untilReplayed(standby);
    const order = await promoted(first, standby);
    for (const statement of [...late, rows(1), 'checkpoint']) await standby.sql(statement);
    const next = stage.stream({ order: { ...order, runId: newTestId('run') } });
    await untilCovered(standby);
    const told = next.lines.join('\n');
    expect(told).toMatch(/left timeline 1 at 0\/[0-9A-F]+: take a full backup of the new one/);
    expect(told).toMatch(
      late.length === 0
        ? /log of timeline 1 before 0\/[0-9A-F]+ is missing/
        : /log of timeline 1 from 0\/[0-9A-F]+ to 0\/[0-9A-F]+ is missing/,
    );
    const [lost, ...others] = gapsOnWay(timeline());
    expect(others).toEqual([]);
    const committed = stage.batches.filter(({ runId }) => runId === first.order.runId).map(({ to }) => lsnToNumber(to));
    expect(lsnToNumber(lost?.from ?? parseLsn('0/0'))).toBe(Math.max(...committed));
    await takeFull(order.instance);
    await untilCovered(standby);
    expect(timeline()).toMatchObject({ currentBranchId: stage.restores.sets[0]?.branchId });
    expect(await rowsAtLatest('after-loss')).toBe(3006 + late.length / 2);
    await next.cancel();
  });

  test('over a failover to a server that keeps none of the old log: what the archive has of both timelines is not lost', async () => {
    stage = await openStreamStage({ major, archive: true });
    const { postgres, access, untilCovered } = stage;
    const { archiveDirectory } = postgres;
    await postgres.sql('create table t (a int, b text)');
    standby = await openStandby(postgres);
    await standby.sql("select pg_drop_replication_slot('for_the_standby')");
    await takeFull(access);
    const first = stage.stream();
    await untilCovered();
    await first.stop();
    let last = '';
    for (let i = 0; i < 3; i++) {
      await postgres.sql(rows(1000));
      const [row] = await postgres.sql('select pg_walfile_name(pg_switch_wal()) as name');
      last = join(archiveDirectory, String(row?.['name']));
    }
    expect(await waitFor(() => Promise.resolve(existsSync(last)), 20_000)).toBe(true);
    await postgres.sql('checkpoint');
    await untilReplayed(standby);
    const order = await promoted(first, standby);
    for (const statement of ['select pg_switch_wal()', rows(1), 'checkpoint']) await standby.sql(statement);
    const options = { ...order.options, archiveDirectory };
    const next = stage.stream({ order: { ...order, options, runId: newTestId('run') } });
    await untilCovered(standby);
    expect(next.lines.join('\n')).toMatch(/left timeline 1 at 0\/[0-9A-F]+: take a full backup of the new one/);
    expect(next.lines.filter((line) => line.includes('is missing'))).toEqual([]);
    expect(gapsOnWay(timeline())).toEqual([]);
    expect(await rowsAtLatest('from-the-archive')).toBe(3006);
    await next.cancel();
  });
});
