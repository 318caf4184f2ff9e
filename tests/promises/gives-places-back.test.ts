import { beforeAll, expect, test } from 'vitest';
import { compareLsn, parseLsn } from '#core/wal/lsn.ts';
import { stopCopy } from '#scripts/demo/stop-copy.ts';
import { closeSource, expectGivenBack, startInPlace, untilReplacing } from '../support/in-place-stage.ts';
import type { KillStage, StartedRun } from '../support/kill-stage.ts';
import { lasting, openKillStage, startLogBackup, untilOver } from '../support/kill-stage.ts';

let stage: KillStage;
beforeAll(async () => {
  stage = await openKillStage();
  return () => stage.close();
});

const slowly = () => ({ limits: lasting(20, stage.storedBytes) });

const expectCancelled = async ({ id }: StartedRun): Promise<void> => {
  expect((await untilOver(stage, id)).run).toMatchObject({ id, state: 'cancelled' });
};

test('K-089 a restore in place that is cancelled in the middle gives the old directory back, which opens as it was', async () => {
  const before = await closeSource(stage);
  const run = await startInPlace(stage, slowly());
  await untilReplacing(stage, run);
  await stage.api.post(`/runs/${run.id}/cancel`);
  await expectCancelled(run);
  await expectGivenBack(stage, run, before);
});

test('K-084 a restore in place that is cancelled while its agent is dead is undone when the agent is back', async () => {
  const before = await closeSource(stage);
  const run = await startInPlace(stage, slowly());
  await untilReplacing(stage, run);
  await stage.stack.kill('agent');
  await stage.api.post(`/runs/${run.id}/cancel`);
  await stage.stack.start('agent');
  await expectCancelled(run);
  await expectGivenBack(stage, run, before);
});

interface PoolTimeline {
  readonly timeline: {
    readonly branches: readonly {
      readonly timeline: number;
      readonly gaps: readonly unknown[];
      readonly stretches: readonly { readonly to: string }[];
    }[];
  };
}

const branches = async (): Promise<PoolTimeline['timeline']['branches']> => {
  const { data } = await stage.api.get<{ data: PoolTimeline[] }>('/resources/source/timeline');
  return data[0]?.timeline.branches ?? [];
};

test('K-049 K-098 log that only the old directory held is told to the API, and the next log backup goes on without a gap', async () => {
  const sql = await stage.source.connect();
  await sql.query("insert into customer (name) values ('the last one')");
  const { rows } = await sql.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn');
  await sql.end();
  await closeSource(stage);
  const restored = await untilOver(stage, (await startInPlace(stage)).id);
  try {
    expect(restored.run).toMatchObject({ state: 'warned', outcome: { result: { isOpen: true, timeline: 2 } } });
    const [old] = await branches();
    const end = old?.stretches.slice(-1)[0]?.to ?? '0/0';
    expect(compareLsn(parseLsn(end), parseLsn(rows[0]?.lsn ?? ''))).toBeGreaterThanOrEqual(0);
    const log = await untilOver(stage, (await startLogBackup(stage, {})).id);
    expect(log.run).toMatchObject({ state: 'succeeded' });
    const after = await branches();
    expect(after.map(({ timeline, gaps }) => ({ timeline, gaps }))).toEqual([
      { timeline: 1, gaps: [] },
      { timeline: 2, gaps: [] },
    ]);
  } finally {
    await stopCopy(stage.source.dataDirectory);
  }
});
