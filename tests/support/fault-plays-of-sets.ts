import { join } from 'node:path';
import { expect } from 'vitest';
import type { RateLimits } from '#core/run/rate.ts';
import { proveTables } from '#scripts/demo/workload.ts';
import type { Play } from './fault-play.ts';
import { seenOf, undisturbed, untilApiAnswers } from './fault-play.ts';
import {
  expectEqualCopy,
  expectNothingPutAgain,
  expectRestorable,
  expectSucceeded,
  poolFiles,
  segmentsInPool,
  setsInPool,
} from './kill-proof.ts';
import type { KillStage, StartedRun } from './kill-stage.ts';
import { copyDirectory, cumulative, lasting, startBackup, startCopy, startLogBackup, writeLog } from './kill-stage.ts';

const runSeconds = 2;
const full = { kind: 'full-backup' } as const;

/** The source stays as it is when the first incremental of the stage was taken. */
const anIncremental = (stage: KillStage) =>
  undisturbed(stage, 'incremental-backup', async () => {
    await writeLog(stage, 4);
    return startBackup(stage, {}, cumulative);
  });

export const backUpFully: Play = async (stage, kill) => {
  const { bytes } = await undisturbed(stage, 'full-backup', () => startBackup(stage, {}, full));
  const { run, kills, again } = await kill(() => startBackup(stage, lasting(runSeconds, bytes), full));
  return proveSet(stage, { run, kills, again, bytes });
};

export const backUpIncrementally: Play = async (stage, kill) => {
  const { bytes } = await anIncremental(stage);
  const { run, kills, again } = await kill(() => startBackup(stage, lasting(runSeconds, bytes), cumulative));
  return proveSet(stage, { run, kills, again, bytes });
};

/** One full of an incremental that equals the source, from the pool alone. */
export const merge: Play = async (stage, kill) => {
  const { setId: from } = await anIncremental(stage);
  const start = (limits: RateLimits): Promise<StartedRun> =>
    stage.api.post(`/backup-sets/${from}/merge?pool=pool`, { channels: 2, limits });
  const { bytes } = await undisturbed(stage, 'set-merge', () => start({}));
  const { run, kills, again } = await kill(() => start(lasting(runSeconds, bytes)));
  return proveSet(stage, { run, kills, again, bytes });
};

type Killed = Awaited<ReturnType<Parameters<Play>[1]>>;

/** The set is there once, restores, and nothing that was acknowledged was sent again. */
async function proveSet(stage: KillStage, { run, kills, again, bytes }: Killed & { readonly bytes: number }) {
  await again();
  const live = await expectSucceeded(stage, run);
  expectNothingPutAgain(stage, run, kills, bytes);
  await expectRestorable(stage, run.setId);
  return seenOf(kills, live.run.state);
}

/** The first set and all log into a pool of its own: what is there at the death stays, and the copy leads to the latest point. */
export const copyPool: Play = async (stage, kill, name) => {
  await untilApiAnswers(stage);
  const { data } = await stage.api.get<{ data: { id: string }[] }>('/hosts');
  const there = { poolDirectory: join(stage.folder, name) };
  const place = { kind: 'local', directory: there.poolDirectory };
  await stage.api.post('/pools', { name, host: data[0]?.id ?? '', place });
  await expectSucceeded(stage, await startLogBackup(stage, {}));
  const asked = { to: name, sets: [stage.firstSet], log: true };
  const { run, again } = await kill(async () => {
    const { id } = await stage.api.post<{ id: string }>('/pools/pool/copies', asked);
    return { id, setId: '' };
  });
  const atDeath = poolFiles(there);
  await again();
  const live = await expectSucceeded(stage, run);
  expect(poolFiles(there)).toEqual(expect.arrayContaining([...atDeath]));
  expect(setsInPool(there)).toEqual([stage.firstSet]);
  expect(segmentsInPool(there).length).toBeGreaterThan(0);
  const directory = copyDirectory(stage, name);
  const copy = await startCopy(stage, { directory, pool: name });
  await expectEqualCopy(stage, await expectSucceeded(stage, copy), directory);
  return seenOf([], live.run.state);
};

const nothing = { schemas: [], tables: [], excludeSchemas: [], excludeTables: [] };

/** A logical set begins anew after a death: one attempt is left of it, and it restores. */
export const backUpLogically: Play = async (stage, kill, name) => {
  await untilApiAnswers(stage);
  const selection = { of: 'chosen', databases: [{ database: 'postgres', ...nothing }] };
  const options = { channels: 2, resumeBufferBytes: 4 * 1_048_576 };
  const asked = { resource: 'source', pool: 'pool', selection, options };
  let setId = '';
  const { run, again } = await kill(async () => {
    const begun = await stage.api.post<StartedRun>('/logical-backups', asked);
    setId = begun.setId;
    return { id: begun.id, setId: '' };
  });
  await again();
  const live = await expectSucceeded(stage, run);
  const pieces = poolFiles(stage, join('logical', setId)).flatMap(({ key }) => /try_[0-9a-f]+/.exec(key) ?? []);
  expect(new Set(pieces).size).toBe(1);
  const into = { databases: ['postgres'], as: name.replace('-', '_') };
  const { id } = await stage.api.post<StartedRun>('/logical-restores', { set: setId, ...into });
  await expectSucceeded(stage, { id, setId: '' });
  await expectDatabaseLikeSource(stage, into.as);
  return seenOf([], live.run.state);
};

async function expectDatabaseLikeSource({ source, sql }: KillStage, database: string): Promise<void> {
  const restored = await source.connect(database);
  try {
    expect(await proveTables(restored)).toEqual(await proveTables(sql));
  } finally {
    await restored.end();
  }
  await sql.query(`drop database ${database} with (force)`);
}

export const backUpLog: Play = async (stage, kill) => {
  await untilApiAnswers(stage);
  await expectSucceeded(stage, await startLogBackup(stage, {}));
  await writeLog(stage, 3);
  const { run, again } = await kill(() => startLogBackup(stage, {}));
  const there = segmentsInPool(stage);
  await again();
  const live = await expectSucceeded(stage, run);
  expect(segmentsInPool(stage)).toEqual(expect.arrayContaining([...there]));
  return seenOf([], live.run.state);
};
