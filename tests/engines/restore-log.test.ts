import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import type { LogRestorePlan } from '#core/log/log-restore-plan.ts';
import { planLogRestore } from '#core/log/plan-log-restore.ts';
import { restoreLog } from '#agent/log-restore/restore-log.ts';
import { openFolder } from '#tests/support/folder.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { archived, clock, newId, stageOn, writeRows } from '#tests/support/log-stage.ts';

const folder = openFolder('hf-fetch-');
const home = join(folder.path, 'agent');
afterAll(() => {
  folder.remove();
});

/** Three segments in the pool. */
async function fill(stage: LogStage): Promise<LogRestorePlan> {
  for (let i = 0; i < 3; i++) {
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
  }
  await stage.backUp();
  const log = { sets: [], batches: stage.told };
  const resource = { id: stage.order().instance.resourceId, name: 'main', engine: 'postgresql' };
  return planLogRestore({ log, resource, from: { at: 'lsn', lsn: parseLsn('0/1000000') } });
}

function fetch(stage: LogStage, plan: LogRestorePlan, name: string, runId = newId('run')) {
  const { hostId } = stage.order();
  const [pool] = stage.pools;
  if (pool === undefined) throw bug('the stage has no pool');
  const work = restoreLog({ home, clock, logDirectories: () => Promise.resolve([]), account: 'postgres' });
  const order = { kind: 'log-restore' as const, runId, hostId, pool, plan, limits: {} };
  return work({ ...order, directory: join(folder.path, name) }, stage.step);
}

/** Runs the restore_command of a settings file as the server would for a segment. */
function runAsServer(settings: string, segment: string, path: string): void {
  const [, quoted = ''] = /^restore_command = '(.*)'$/m.exec(settings) ?? [];
  const words: Readonly<Record<string, string>> = { f: segment, p: path };
  const command = quoted
    .replaceAll("''", "'")
    .replaceAll('\\\\', '\\')
    .replaceAll(/%(.)/g, (_, c: string) => words[c] ?? c);
  execFileSync('sh', ['-c', command]);
}

test('K-091 K-109 log is fetched byte for byte, closed to others, with a file to recover with; damage is told, not written', async () => {
  const stage = await stageOn(15, { passphrase: 'open sesame' });
  const plan = await fill(stage);
  const names = archived(stage);
  const report = await fetch(stage, plan, "it's 50% whole");
  expect(report).toMatchObject({ segments: names.length, histories: 0, missing: [] });
  expect(readdirSync(report.directory).sort()).toEqual([...names, 'holdfast-recovery.conf'].sort());
  for (const name of names) {
    const path = join(report.directory, name);
    expect(Buffer.compare(readFileSync(path), readFileSync(join(stage.server.archiveDirectory, name))), name).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  const [name = ''] = names;
  runAsServer(readFileSync(report.recoveryFile, 'utf8'), name, join(folder.path, 'copied'));
  expect(Buffer.compare(readFileSync(join(folder.path, 'copied')), readFileSync(join(report.directory, name)))).toBe(0);

  const [, second] = plan.segments;
  const [pool] = stage.pools;
  const directory = pool?.place.kind === 'local' ? pool.place.directory : '';
  writeFileSync(join(directory, second?.object ?? ''), 'torn');
  const torn = await fetch(stage, plan, 'torn');
  expect(torn.segments).toBe(names.length - 1);
  expect(torn.missing).toMatchObject([{ from: second?.from, to: second?.to }]);
  expect(readdirSync(torn.directory)).not.toContain(second?.name);
  expect(readFileSync(torn.recoveryFile, 'utf8')).toContain(`# MISSING: ${second?.name ?? ''} was left out`);

  const only = { ...plan, segments: plan.segments.slice(1, 2) };
  await expect(fetch(stage, only, 'nothing')).rejects.toMatchObject({ code: 'log_all_damaged' });
  expect(readdirSync(join(folder.path, 'nothing'))).toEqual([]);
});

test('K-109 of two runs that race for one directory through two names one fetches and the other is refused', async () => {
  const stage = await stageOn(15);
  const plan = await fill(stage);
  mkdirSync(join(folder.path, 'raced'));
  symlinkSync(join(folder.path, 'raced'), join(folder.path, 'linked'));
  const ends = await Promise.allSettled([fetch(stage, plan, 'raced'), fetch(stage, plan, 'linked')]);
  const done = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  const [refused] = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  expect(done).toHaveLength(1);
  expect(refused).toMatchObject({ code: expect.stringMatching(/^target_(of_other_run|not_empty)$/) as string });
  expect(readdirSync(join(folder.path, 'raced')).sort()).toEqual([
    ...plan.segments.map(({ name }) => name),
    'holdfast-recovery.conf',
  ]);
});

test('K-091 what an earlier attempt fetched stays; a directory that holds anything, or lies in a pool, is refused', async () => {
  const stage = await stageOn(15);
  const plan = await fill(stage);
  const [first] = plan.segments;
  const runId = newId('run');
  const begun = join(folder.path, 'begun');
  mkdirSync(begun);
  writeFileSync(join(begun, '.holdfast-restore'), `${runId}\n`);
  writeFileSync(join(begun, first?.name ?? ''), 'half of a segment');
  const report = await fetch(stage, plan, 'begun', runId);
  const bytes = readFileSync(join(stage.server.archiveDirectory, first?.name ?? ''));
  expect(Buffer.compare(readFileSync(join(begun, first?.name ?? '')), bytes)).toBe(0);
  expect(report.segments).toBe(plan.segments.length);
  await expect(fetch(stage, plan, 'begun')).rejects.toMatchObject({ code: 'target_not_empty' });
  const [pool] = stage.pools;
  const inside = pool?.place.kind === 'local' ? join(pool.place.directory, 'logs', 'mine') : '';
  const work = restoreLog({ home, clock, logDirectories: () => Promise.resolve([]), account: 'postgres' });
  const { hostId } = stage.order();
  if (pool === undefined) throw bug('the stage has no pool');
  const order = {
    kind: 'log-restore' as const,
    runId: newId('run'),
    hostId,
    pool,
    plan,
    limits: {},
    directory: inside,
  };
  await expect(work(order, stage.step)).rejects.toMatchObject({ code: 'place_in_use' });
});
