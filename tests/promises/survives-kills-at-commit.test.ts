import { watch } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import type { KillStage, Killable, StartedRun } from '../support/kill-stage.ts';
import { lasting, openKillStage, runTimeoutMs, startBackup } from '../support/kill-stage.ts';
import {
  attemptsOf,
  expectNothingPutAgain,
  expectRestorable,
  expectSucceeded,
  isCommitted,
  piecesAtKill,
  setsInApi,
  setsInPool,
  untilShareIsPut,
} from '../support/kill-proof.ts';

let stage: KillStage;
beforeAll(async () => {
  stage = await openKillStage(24);
  return () => stage.close();
});

const throttled = () => startBackup(stage, lasting(5, stage.storedBytes));
const untilCommitted = (run: StartedRun): Promise<true> =>
  pollUntil(() => Promise.resolve(isCommitted(stage, run.setId) || undefined), {
    what: `meta of set ${run.setId}`,
    timeoutMs: runTimeoutMs,
  });

/** Exactly one set came of the run, the pool and the catalog name the same ones, and it can be restored. */
async function expectOneSet(run: StartedRun, before: readonly string[]): Promise<void> {
  await expectSucceeded(stage, run);
  expect(setsInPool(stage)).toEqual([...before, run.setId].sort());
  await expectRestorable(stage, run.setId);
}

test('K-084 kill -9 of the agent between the end of backup mode and the commit: one set, and no acknowledged byte again', async () => {
  const before = setsInPool(stage);
  const run = await throttled();
  await untilShareIsPut(stage, run.setId, 0.5);
  await untilBackupModeEnds();
  await stage.stack.kill('agent');
  expect(isCommitted(stage, run.setId)).toBe(false);
  expect(await setsInApi(stage)).toEqual(before);
  const atKill = piecesAtKill(stage, run);
  await stage.stack.start('agent');
  await expectOneSet(run, before);
  expectNothingPutAgain(stage, run, [atKill]);
});

/** Asks without a pause: what follows the end of backup mode is a piece or two, over in less than a usual poll. */
async function untilBackupModeEnds(): Promise<void> {
  const deadline = performance.now() + runTimeoutMs;
  while (!(await hasEndedBackupMode())) {
    if (performance.now() > deadline) throw fail('wait_timed_out', { what: 'the end of backup mode', seconds: '120' });
  }
}

async function hasEndedBackupMode(): Promise<boolean> {
  const ended =
    "select 1 from pg_stat_activity where application_name like 'holdfast%' and query ilike '%backup_stop%'";
  return (await stage.sql.query(ended)).rowCount === 1;
}

test('K-084 kill -9 of the agent in the instant in which meta appears: one set, made in one attempt, recorded once', async () => {
  const before = setsInPool(stage);
  const run = await throttled();
  await untilShareIsPut(stage, run.setId, 0.5);
  await killWhenMetaAppears(run);
  expect(isCommitted(stage, run.setId)).toBe(true);
  await stage.stack.start('agent');
  await expectOneSet(run, before);
  expect(attemptsOf(stage, run.setId)).toBe(1);
});

/** The kernel tells of the new name; the signal follows within the same turn. */
const killWhenMetaAppears = (run: StartedRun): Promise<void> =>
  new Promise((resolve, reject) => {
    const watcher = watch(join(stage.poolDirectory, 'sets', run.setId), (_event, name) => {
      if (name !== 'meta') return;
      watcher.close();
      stage.stack.kill('agent').then(resolve, reject);
    });
  });

for (const part of ['worker', 'temporal', 'catalog', 'api'] as const satisfies readonly Killable[]) {
  test(`K-084 a set that is committed while ${part} is dead is recorded when ${part} is back`, async () => {
    const before = setsInPool(stage);
    const run = await throttled();
    await untilShareIsPut(stage, run.setId, 0.5);
    await stage.stack.kill(part);
    await untilCommitted(run);
    await stage.stack.start(part);
    await expectOneSet(run, before);
    expect(attemptsOf(stage, run.setId)).toBe(1);
  });
}

/** What the outside heard of the end of a run, by the events of the API. */
async function endsTold({ id }: StartedRun): Promise<readonly string[]> {
  const { data } = await stage.api.get<{ readonly data: readonly { readonly type: string }[] }>(`/events?run=${id}`);
  return data.map(({ type }) => type).filter((type) => type === 'run.succeeded' || type === 'run.warning');
}

test('K-088 kill -9 of the control worker between the commit and the word on the run: one set, and its end is told', async () => {
  const before = setsInPool(stage);
  const run = await throttled();
  await untilCommitted(run);
  await stage.stack.kill('worker');
  await stage.stack.start('worker');
  await expectOneSet(run, before);
  expect(await endsTold(run)).toHaveLength(1);
});

/** Sessions that wait to write which set a run made. */
async function waitingWriters(): Promise<number> {
  const catalog = await stage.stack.places.catalog.connect('holdfast');
  try {
    const statement = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'update run set set_id%'`;
    return (await catalog.query(statement)).rowCount ?? 0;
  } finally {
    await catalog.end();
  }
}

const untilWriters = (count: number): Promise<true> =>
  pollUntil(async () => (await waitingWriters()) >= count || undefined, {
    what: `${String(count)} writers that wait`,
    timeoutMs: runTimeoutMs,
  });

/** Why attempts of steps of a run ended that were no last ones, as Temporal has it. */
async function missedOf({ id }: StartedRun): Promise<readonly unknown[]> {
  const connection = await Connection.connect({ address: stage.stack.places.temporalAddress });
  try {
    const { events } = await new Client({ connection }).workflow.getHandle(`run:${id}`).fetchHistory();
    return (events ?? []).flatMap(
      (event) => event.activityTaskStartedEventAttributes?.lastFailure?.timeoutFailureInfo?.timeoutType ?? [],
    );
  } finally {
    await connection.close();
  }
}

test('K-084 kill -9 of the control worker in a step that waits for the catalog: the step is taken up when its beat is missed', async () => {
  const before = setsInPool(stage);
  const run = await throttled();
  await untilShareIsPut(stage, run.setId, 0.3);
  const catalog = await stage.stack.places.catalog.connect('holdfast');
  try {
    await catalog.query('begin');
    await catalog.query('select 1 from run where id = $1 for no key update', [run.id]);
    await untilWriters(1);
    await stage.stack.kill('worker');
    await stage.stack.start('worker');
    // The session of the dead worker still waits: the next attempt is the second one.
    await untilWriters(2);
  } finally {
    await catalog.query('rollback');
    await catalog.end();
  }
  await expectOneSet(run, before);
  const heartbeatMissed = 4;
  expect(await missedOf(run)).toEqual([heartbeatMissed]);
});
