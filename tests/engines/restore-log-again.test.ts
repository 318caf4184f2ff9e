import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import type { OrderOf } from '#core/agent/order.ts';
import { bug, fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { planLogRestore } from '#core/log/plan-log-restore.ts';
import type { StepContext } from '#core/ports/step.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { markerName } from '#agent/datadir/writer-marker.ts';
import { begunLogRestores } from '#agent/log-restore/log-place.ts';
import { restoreLog } from '#agent/log-restore/restore-log.ts';
import { undoWhenOver } from '#agent/work/keep-undoing.ts';
import type { Folder } from '#tests/support/folder.ts';
import { openFolder } from '#tests/support/folder.ts';
import { openLine } from '#tests/support/line.ts';
import type { LogStage, StageOptions } from '#tests/support/log-stage.ts';
import { archived, clock, newId, stageOn, writeRows } from '#tests/support/log-stage.ts';
import { bucketOf, openMinio } from '#tests/support/minio.ts';

const account = 'postgres';
type Order = OrderOf<'log-restore'>;

interface Ground extends Folder {
  readonly home: string;
  readonly stage: LogStage;
  order(directory: string): Order;
}

/** So many segments in the pool. */
async function openGround(segments: number, options: StageOptions = {}): Promise<Ground> {
  const folder = openFolder('hf-again-');
  onTestFinished(() => {
    folder.remove();
  });
  const stage = await stageOn(15, options);
  for (let i = 0; i < segments; i++) {
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
  }
  await stage.backUp();
  const resource = { id: stage.order().instance.resourceId, name: 'main', engine: 'postgresql' };
  const log = { sets: [], batches: stage.told };
  const plan = planLogRestore({ log, resource, from: { at: 'lsn', lsn: parseLsn('0/1000000') } });
  const [pool] = stage.pools;
  if (pool === undefined) throw bug('the stage has no pool');
  const { hostId } = stage.order();
  const order = (directory: string): Order => {
    const runId = newId('run');
    return { kind: 'log-restore', runId, hostId, pool, plan, limits: {}, directory: join(folder.path, directory) };
  };
  return { ...folder, home: join(folder.path, 'agent'), stage, order };
}

const restoring = ({ home, stage }: Ground, order: Order, step: Partial<StepContext> = {}) =>
  restoreLog({ home, clock, logDirectories: () => Promise.resolve([]), account })(order, { ...stage.step, ...step });

/** Fetches until so many segments are there, then is told to stop. */
async function stopped(ground: Ground, order: Order, reason: HoldfastError): Promise<void> {
  const abort = new AbortController();
  const report: StepContext['report'] = ({ filesDone }) => {
    if (filesDone === 2) abort.abort(reason);
  };
  await expect(restoring(ground, order, { signal: abort.signal, report })).rejects.toThrow();
}

/** Begins a log restore as a process of its own and kills it when so many segments are there. */
async function killed({ home, path }: Ground, order: Order, segments: number): Promise<void> {
  const file = join(path, `${order.runId}.json`);
  writeFileSync(file, JSON.stringify({ order, home, account, segments }));
  const program = join(import.meta.dirname, '..', 'support', 'log-restore-child.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', program, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for await (const line of createInterface({ input: child.stdout })) if (line === 'reached') break;
  child.kill('SIGKILL');
  await ended;
}

/** The API calls the run over: nobody goes on with it. */
const endedAway = ({ home }: Ground, { runId }: Order): Promise<void> =>
  undoWhenOver(
    {
      ...{ home, isLive: () => false, everyMs: 1, onUndone: () => undefined },
      channel: {
        order: () => Promise.reject(fail('order_refused', { run: runId, host: 'host_1' })),
        closeReport: () => Promise.resolve(false),
      },
      onTrouble: (_run, error) => {
        throw error;
      },
    },
    runId,
  );

const timesOf = (directory: string, names: readonly string[]): readonly number[] =>
  names.map((name) => statSync(join(directory, name)).mtimeMs);

function expectWhole({ stage }: Ground, directory: string): void {
  const names = archived(stage);
  expect(readdirSync(directory).sort()).toEqual([...names, 'holdfast-recovery.conf'].sort());
  for (const name of names) {
    const kept = readFileSync(join(stage.server.archiveDirectory, name));
    expect(Buffer.compare(readFileSync(join(directory, name)), kept), name).toBe(0);
  }
}

test('K-091 K-084 log that was fetched before its pool went away stays under the mark of its run, and is not fetched again', async () => {
  const minio = await openMinio();
  onTestFinished(() => minio.close());
  const line = await openLine(minio.port);
  onTestFinished(() => line.close());
  const ground = await openGround(8, { remote: bucketOf({ ...minio, port: line.port }, 'log') });
  const order = ground.order('cut');
  // Four are on their way by then.
  const cutAt: StepContext['report'] = ({ filesDone }) => {
    if (filesDone === 1) void line.cut('refused');
  };
  await expect(restoring(ground, order, { report: cutAt })).rejects.toMatchObject({ code: 'pool_unreachable' });
  const names = archived(ground.stage).filter((name) => existsSync(join(order.directory, name)));
  expect(names.length).toBeGreaterThan(0);
  expect(readFileSync(join(order.directory, markerName), 'utf8').trim()).toBe(order.runId);
  await expect(restoring(ground, ground.order('cut'))).rejects.toMatchObject({ code: 'target_of_other_run' });

  await line.mend();
  const before = timesOf(order.directory, names);
  const report = await restoring(ground, order);
  expect(report.segments).toBe(order.plan.segments.length);
  expect(timesOf(order.directory, names)).toEqual(before);
  expectWhole(ground, order.directory);
});

test('K-091 a log restore that is killed at any segment is taken up by the next attempt of its run, which answers the same again', async () => {
  const ground = await openGround(4);
  for (const segments of [1, 4]) {
    const order = ground.order(`killed-${String(segments)}`);
    await killed(ground, order, segments);
    expect(readdirSync(order.directory)).toContain(markerName);
    const names = archived(ground.stage).slice(0, segments);
    const before = timesOf(order.directory, names);
    const report = await restoring(ground, order);
    expect(timesOf(order.directory, names)).toEqual(before);
    expectWhole(ground, order.directory);
    // An agent that died before anybody heard the answer.
    expect(await restoring(ground, order)).toEqual(report);
    await endedAway(ground, order);
    expectWhole(ground, order.directory);
  }
});

test('K-091 a restart of the agent keeps fetched log; a cancel, or the end of the run elsewhere, leaves the directory as it was found', async () => {
  const ground = await openGround(4);
  const deep = ground.order('made/for/it');
  await stopped(ground, deep, fail('cancelled', { what: 'the run' }));
  expect(existsSync(join(ground.path, 'made'))).toBe(false);

  const stood = ground.order('stood');
  mkdirSync(stood.directory, { mode: 0o750 });
  await stopped(ground, stood, fail('agent_stopping', {}));
  expect(readdirSync(stood.directory)).toContain(markerName);
  expect(begunLogRestores(ground.home)).toEqual([stood.runId]);
  await endedAway(ground, stood);
  const { mode, uid } = statSync(stood.directory);
  expect([readdirSync(stood.directory), mode & 0o777, uid]).toEqual([[], 0o750, process.getuid?.()]);

  const dead = ground.order('killed/at/work');
  await killed(ground, dead, 2);
  await endedAway(ground, dead);
  expect(existsSync(join(ground.path, 'killed'))).toBe(false);
  expect(begunLogRestores(ground.home)).toEqual([]);
});
