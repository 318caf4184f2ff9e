import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import type { RateLimits } from '#core/run/rate.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import type { CutStage } from '../support/cut-stage.ts';
import { copyPlace, openCutStage, startCutBackup, untilProgress } from '../support/cut-stage.ts';
import { dropCopy } from '../support/kill-stage.ts';

const mebi = 1_048_576;
const mebibytes = 240;
let stage: CutStage;
let localDirectory = '';
beforeAll(async () => {
  stage = await openCutStage(mebibytes);
  const { data } = await stage.api.get<{ data: { id: string }[] }>('/hosts');
  localDirectory = `${stage.folder}/local-pool`;
  const place = { kind: 'local', directory: localDirectory };
  await stage.api.post('/pools', { name: 'local', host: data[0]?.id ?? '', place });
  return () => stage.close();
});

const asked = 15 * mebi;
const seconds = 10;

/** The rate of a growing count over ten seconds; printed, and within 5 % of what was asked for. */
async function measure(what: string, bytes: () => number | Promise<number>): Promise<void> {
  const [from, began] = [await bytes(), performance.now()];
  await pause(seconds * 1000);
  const rate = ((await bytes()) - from) / ((performance.now() - began) / 1000);
  const percent = ((rate / asked - 1) * 100).toFixed(1);
  process.stdout.write(`rate ${what}: asked ${String(asked)} B/s, measured ${rate.toFixed(0)} B/s (${percent} %)\n`);
  expect.soft(Math.abs(rate / asked - 1), what).toBeLessThan(0.05);
}

interface Counted {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

async function progressOf(runId: string): Promise<Counted> {
  const { progress } = await stage.api.get<{ progress?: Counted }>(`/runs/${runId}`);
  return progress ?? { bytesRead: 0, bytesWritten: 0 };
}

async function startedBackup(pool: string, limits: RateLimits): Promise<string> {
  const { id } = await startCutBackup(stage, { limits, pool });
  await untilProgress(stage, id, ({ bytesWritten }) => bytesWritten > 2 * asked);
  return id;
}

async function startedRestore(pool: string, limits: RateLimits): Promise<{ id: string; directory: string }> {
  const directory = copyPlace(stage, `${pool}-${Object.keys(limits).join('')}`);
  mkdirSync(dirname(directory), { recursive: true, mode: 0o755 });
  giveToUnprivileged(dirname(directory));
  const place = { kind: 'copy', directory };
  const body = { resource: 'source', target: { at: 'immediate' }, place, pool, options: { channels: 2, limits } };
  const { id } = await stage.api.post<{ id: string }>('/restores', body);
  await untilProgress(stage, id, ({ bytesWritten, phase }) => phase === 'write' && bytesWritten > 2 * asked);
  return { id, directory };
}

/** Lets the rest pass at full speed and waits for the end. */
async function finish(id: string): Promise<void> {
  await stage.api.post(`/runs/${id}/throttle`, { transferBytesPerSecond: 0, diskBytesPerSecond: 0 });
  await stage.api.untilDone(id, 120_000);
}

const transfer = { transferBytesPerSecond: asked };
const disk = { diskBytesPerSecond: asked };

test('K-085 K-086 backup and restore keep to 15 MiB/s within 5 % over 10 s, transfer and disk, on S3', async () => {
  const sent = await startedBackup('pool', transfer);
  await measure('S3, backup, transfer, on the wire', stage.lines.pool.sentBytes);
  await finish(sent);
  const read = await startedBackup('pool', disk);
  await measure('S3, backup, disk read', async () => (await progressOf(read)).bytesRead);
  await finish(read);
  const got = await startedRestore('pool', transfer);
  await measure('S3, restore, transfer, on the wire', stage.lines.pool.receivedBytes);
  await finish(got.id);
  await dropCopy(got.directory);
  const written = await startedRestore('pool', disk);
  await measure('S3, restore, disk write', async () => (await progressOf(written.id)).bytesWritten);
  await finish(written.id);
  await dropCopy(written.directory);
});

test('K-085 K-086 the same on a local pool', async () => {
  const sent = await startedBackup('local', transfer);
  await measure('local, backup, transfer', async () => (await progressOf(sent)).bytesWritten);
  await finish(sent);
  const read = await startedBackup('local', disk);
  await measure('local, backup, disk read', async () => (await progressOf(read)).bytesRead);
  await finish(read);
  const written = await startedRestore('local', disk);
  await measure('local, restore, disk write', async () => (await progressOf(written.id)).bytesWritten);
  await finish(written.id);
  await dropCopy(written.directory);
});
