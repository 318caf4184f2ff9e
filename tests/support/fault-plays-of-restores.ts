import { readdirSync, rmSync } from 'node:fs';
import { expect } from 'vitest';
import { proveTables } from '#scripts/demo/workload.ts';
import { stopCopy } from '#scripts/demo/stop-copy.ts';
import type { DeathSeen, Play } from './fault-play.ts';
import { seenOf, undisturbed, untilApiAnswers } from './fault-play.ts';
import { closeSource, startInPlace } from './in-place-stage.ts';
import {
  expectEqualCopy,
  expectNothingPartial,
  expectNothingPutAgain,
  expectSucceeded,
  poolFiles,
} from './kill-proof.ts';
import type { KillStage, StartedRun } from './kill-stage.ts';
import { copyDirectory, lasting, startCopy, startLogBackup, untilOver } from './kill-stage.ts';
import { contentOf } from './platform.ts';

const runSeconds = 2;

export const copy: Play = async (stage, kill, name) => {
  await untilApiAnswers(stage);
  await expectSucceeded(stage, await startLogBackup(stage, {}));
  const before = poolFiles(stage);
  const directory = copyDirectory(stage, name);
  const { run, again } = await kill(() => startCopy(stage, { directory }));
  await again();
  const live = await expectSucceeded(stage, run);
  expect(poolFiles(stage)).toEqual(before);
  await expectEqualCopy(stage, live, directory);
  return seenOf([], live.run.state);
};

/** The newest log into a directory: what an undisturbed run fetches, byte for byte, and nothing beside it. */
export const restoreLog: Play = async (stage, kill, name) => {
  await untilApiAnswers(stage);
  await expectSucceeded(stage, await startLogBackup(stage, {}));
  const from = await newestLog(stage, 4);
  const start = async (directory: string): Promise<StartedRun> => {
    const asked = { resource: 'source', pool: 'pool', from, directory };
    const { id } = await stage.api.post<{ id: string }>('/log-restores', asked);
    return { id, setId: '' };
  };
  const [whole, directory] = [copyDirectory(stage, `${name}-whole`), copyDirectory(stage, name)];
  await expectSucceeded(stage, await start(whole));
  const { run, again } = await kill(() => start(directory));
  await again();
  const live = await expectSucceeded(stage, run);
  const segmentsOf = (path: string) => contentOf(path).filter((line) => /^[0-9A-F]{24} /.test(line));
  expect(readdirSync(directory).sort()).toEqual(readdirSync(whole).sort());
  expect(segmentsOf(directory)).toEqual(segmentsOf(whole));
  expect(segmentsOf(directory).length).toBeGreaterThan(1);
  for (const path of [whole, directory]) rmSync(path, { recursive: true });
  return seenOf([], live.run.state);
};

/** So many segments before the end of the log, but not before the first set: older log was never backed up. */
async function newestLog({ sql, api, firstSet }: KillStage, segments: number) {
  const { summary } = await api.get<{ summary: { beginLsn: string } }>(`/backup-sets/${firstSet}`);
  const { rows } = await sql.query<{ lsn: string }>(
    `select greatest($1::pg_lsn, l - least(l - '0/0'::pg_lsn, $2 * 16777216::numeric))::text as lsn from pg_current_wal_lsn() l`,
    [summary.beginLsn, segments],
  );
  return { at: 'lsn', lsn: rows[0]?.lsn ?? '' };
}

/** The source is closed while its backup dies: no byte of it changes, and the set opens with what it held. */
export const backUpClosed: Play = async (stage, kill, name) => {
  await untilApiAnswers(stage);
  const content = await askSource(stage, proveTables);
  const { files } = await closeSource(stage);
  try {
    const start = (limits = {}): Promise<StartedRun> => startOffline(stage, limits);
    const { bytes } = await undisturbed(stage, 'offline-backup', start);
    const { run, kills, again } = await kill(() => start(lasting(runSeconds, bytes)));
    await again();
    const live = await untilOver(stage, run.id);
    expect(live.run).toMatchObject({ state: 'succeeded' });
    await expectNothingPartial(stage);
    expectNothingPutAgain(stage, run, kills, bytes);
    expect(contentOf(stage.source.dataDirectory)).toEqual(files);
    const directory = copyDirectory(stage, name);
    const restored = await untilOver(stage, (await startCopy(stage, { setId: run.setId, directory })).id);
    expect(restored.run).toMatchObject({ state: 'succeeded' });
    await expectEqualCopy(stage, restored, directory, content);
    return seenOf(kills, live.run.state);
  } finally {
    await stage.stack.start('demo-instance');
  }
};

async function startOffline({ api, source }: KillStage, limits: object): Promise<StartedRun> {
  const { archiveDirectory } = source;
  const options = { channels: 2, limits, archiveDirectory, archiveRetention: { mode: 'keep' } };
  const asked = { kind: 'full-backup', isOffline: true, resource: 'source', pool: 'pool', options };
  return api.post<StartedRun>('/runs', asked);
}

/** The connection of the stage is that of a server which was closed since. */
async function askSource<T>({ source }: KillStage, ask: (sql: KillStage['sql']) => Promise<T>): Promise<T> {
  const sql = await source.connect();
  try {
    return await ask(sql);
  } finally {
    await sql.end();
  }
}

export const restoreInPlace: Play = async (stage, kill) => {
  await closeSource(stage);
  const { run, again } = await kill(() => startInPlace(stage));
  await again();
  return proveReplaced(stage, run);
};

/** Every page of the large table differs before it is written over; what was killed half way never starts in between. */
export const restoreDelta: Play = async (stage, kill) => {
  await untilApiAnswers(stage);
  await askSource(stage, async (sql) => {
    await sql.query('update photo set id = -id where id % 2 = 0');
    await sql.query('checkpoint');
  });
  await closeSource(stage);
  const { run, again } = await kill(() => startInPlace(stage, { isDelta: true }));
  await again();
  return proveReplaced(stage, run);
};

/** The source is what the first set holds, and open; it is started again as the stage does. */
async function proveReplaced(stage: KillStage, run: StartedRun): Promise<DeathSeen> {
  const live = await untilOver(stage, run.id);
  try {
    // A restore in place always warns that a full backup is due.
    expect(live.run).toMatchObject({ state: 'warned', outcome: { result: { isOpen: true } } });
    expect(await askSource(stage, proveTables)).toEqual(stage.content);
  } finally {
    await stopCopy(stage.source.dataDirectory);
    rmSync(`${stage.source.dataDirectory}.before-${run.id}`, { recursive: true, force: true });
    await stage.stack.start('demo-instance');
  }
  return seenOf([], live.run.state);
}
