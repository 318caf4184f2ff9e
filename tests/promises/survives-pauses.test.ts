import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { projectRoot } from '#scripts/supervisor/program.ts';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import type { KillStage, StartedRun } from '../support/kill-stage.ts';
import { killAndRestart, lasting, openKillStage, startBackup } from '../support/kill-stage.ts';
import {
  bytesOf,
  expectNothingPutAgain,
  expectSucceeded,
  piecesAtKill,
  piecesOf,
  untilShareIsPut,
} from '../support/kill-proof.ts';

let stage: KillStage;
beforeAll(async () => {
  stage = await openKillStage(24);
  return () => stage.close();
});

const launcher = join(projectRoot, 'bin', 'holdfast.mjs');
const run = promisify(execFile);

/** One command of an operator; what it prints. */
async function holdfast(...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', TZ: 'UTC', ...stage.stack.places.cliEnv };
  const { stdout } = await run(process.execPath, [launcher, ...args], { env });
  return stdout;
}

const stateOf = async ({ id }: StartedRun): Promise<string> => (await stage.api.run(id)).run.state;

/** Waits until what was under way has arrived: several looks in a row see the same pieces. */
async function untilStill(started: StartedRun): Promise<number> {
  let last = -1;
  let equal = 0;
  return pollUntil(
    () => {
      const now = bytesOf(piecesOf(stage, started.setId));
      equal = now === last ? equal + 1 : 0;
      last = now;
      return Promise.resolve(equal >= 5 ? now : undefined);
    },
    { what: 'a pool in which nothing more arrives', timeoutMs: 30_000 },
  );
}

test.each(['agent', 'worker'] as const)(
  'K-005 K-084 a backup paused from the command line is shown so, stays so over kill -9 of %s, and resumes to its end',
  async (part) => {
    const started = await startBackup(stage, lasting(40, stage.storedBytes));
    await untilShareIsPut(stage, started.setId, 0.15);
    expect(await holdfast('run', 'pause', started.id)).toContain(`holdfast run resume ${started.id}`);
    expect(await stateOf(started)).toBe('paused');
    const held = await untilStill(started);
    const atKill = piecesAtKill(stage, started);
    await killAndRestart(stage, part);
    expect(await untilStill(started)).toBe(held);
    expect(await stateOf(started)).toBe('paused');
    expect(await holdfast('run', 'show', started.id)).toMatch(/state +paused/);
    await holdfast('run', 'resume', started.id);
    expect(await stateOf(started)).not.toBe('paused');
    await holdfast('run', 'limit', started.id, '--transfer', 'unlimited');
    await expectSucceeded(stage, started);
    expectNothingPutAgain(stage, started, [atKill]);
  },
);

test('K-085 K-086 limits of a running backup are changed from the command line, with windows, and are in its log', async () => {
  const started = await startBackup(stage, { transferBytesPerSecond: 1024 });
  await pollUntil(async () => ((await stateOf(started)) === 'running' ? true : undefined), {
    what: 'a running backup',
    timeoutMs: 30_000,
  });
  const windows = 'daily 00-24 300MiB/s; 1KiB/s';
  const said = await holdfast('run', 'limit', started.id, '--transfer', windows, '--disk', '900MiB/s');
  expect(said).toContain('mon,tue,wed,thu,fri,sat,sun 00-24 300MiB/s; 1KiB/s (UTC)');
  await expectSucceeded(stage, started);
  const { data } = await stage.api.get<{ data: { message: string }[] }>(`/runs/${started.id}/logs?limit=1000`);
  expect(data.some(({ message }) => message.includes('changed the limits'))).toBe(true);
});
