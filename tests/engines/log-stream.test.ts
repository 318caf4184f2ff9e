import { afterEach, describe, expect, test } from 'vitest';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { coverage } from '#core/log/coverage.ts';
import type { LogTimeline } from '#core/log/timeline.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import { incrementalOrder } from '#tests/support/chain.ts';
import type { Major } from '#tests/support/postgres.ts';
import type { StreamStage } from '#tests/support/stream-stage.ts';
import { openStreamStage } from '#tests/support/stream-stage.ts';

const isMatrix = process.env['HOLDFAST_MATRIX'] === '1';
const majors: readonly Major[] = isMatrix ? [12, 13, 14, 15, 16, 17, 18] : [15];

let stage: StreamStage;
afterEach(async () => {
  await stage.close();
});

async function takeFull(): Promise<SetSummary> {
  const { bench, access, postgres, restores } = stage;
  const order = bench.order(access, { archiveDirectory: postgres.archiveDirectory });
  const set = await bench.takeFullBackup(order, bench.step(order));
  restores.sets.push(set);
  return set;
}

/** Rows of the table in a copy that was restored to the latest point, from the set and what was streamed. */
async function rowsAtLatest(name: string): Promise<unknown> {
  const { restores } = stage;
  const plan = restores.plan({
    target: { at: 'latest' },
    place: { kind: 'copy', directory: restores.directory(name) },
  });
  const report = await restores.restore(restores.order(plan));
  const [row] = await restores.sql(report, 'select count(*)::int as n from t');
  await restores.stop(restores.directory(name));
  return row?.['n'];
}

const timeline = (): LogTimeline => coverage({ sets: stage.restores.sets, batches: stage.batches });
const gaps = (): unknown[] => timeline().branches.flatMap((branch) => branch.gaps);
const insert = (rows: number): Promise<unknown> =>
  stage.postgres.sql(`insert into t select g, md5(g::text) from generate_series(1, ${String(rows)}) g`);

describe.each(majors)('K-049 the log of PostgreSQL %i is streamed', (major) => {
  test('and reaches a restore before its segment is full; an agent that was killed goes on without a gap', async () => {
    stage = await openStreamStage({ major, archive: true });
    const { postgres, untilCovered } = stage;
    await postgres.sql('create table t (a int, b text)');
    const set = await takeFull();
    const first = stage.stream();
    await insert(100);
    await untilCovered();
    if (isMatrix) expect(await rowsAtLatest('tail')).toBe(100);
    const ends = stage.batches.flatMap(({ segments }) => segments.map(({ to }) => to));
    expect(ends.every((to) => to.endsWith('000000'))).toBe(false);
    expect(await first.stop()).toMatchObject({ code: 'agent_stopping' });
    expect(await stage.slots()).toMatchObject([{ slot_type: 'physical' }]);
    for (let i = 0; i < 3; i++) {
      await insert(1000);
      await postgres.sql('select pg_switch_wal()');
    }
    const second = stage.stream(first);
    await insert(1);
    await untilCovered();
    expect(gaps()).toEqual([]);
    expect(await rowsAtLatest('later')).toBe(3101);
    const { bench, access } = stage;
    const order = incrementalOrder(
      bench,
      access,
      { summary: set, wanted: 'differential', source: 'log' },
      {
        archiveDirectory: postgres.archiveDirectory,
      },
    );
    expect(await bench.takeFullBackup(order, bench.step(order))).toMatchObject({ base: { changedPages: 'log' } });
    expect(await second.cancel()).toMatchObject({ code: 'cancelled' });
    expect(await stage.slots()).toEqual([]);
  });
});

describe('K-049 a stream', () => {
  test('whose slot is gone fails with the place from which log may be missing, and makes none in silence', async () => {
    stage = await openStreamStage({ major: 15, archive: true });
    const { postgres, untilCovered } = stage;
    await postgres.sql('create table t (a int, b text)');
    const stream = stage.stream();
    await insert(10);
    await untilCovered();
    const isDropped = async (): Promise<boolean> => {
      await postgres.sql('select pg_terminate_backend(active_pid) from pg_replication_slots where active');
      const rows = await postgres
        .sql('select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active')
        .catch(() => []);
      return rows.length > 0;
    };
    expect(await waitFor(isDropped, 20_000)).toBe(true);
    const error = await stream.end;
    expect(error).toMatchObject({ code: 'slot_lost' });
    expect(error.params['from']).toMatch(/^0\/[0-9A-F]+$/);
    expect(await stage.slots()).toEqual([]);
  });
});
