import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastClient } from '#scripts/demo/holdfast-client.ts';
import type { EmbeddedPostgres } from '#scripts/supervisor/embedded-postgres.ts';
import { openStack } from '#scripts/supervisor/stack.ts';
import type { Stack } from '#scripts/supervisor/stack.ts';
import { newId, openEngine } from './engine.ts';
import { median } from './timed.ts';

/** What a run takes above the work itself: medians in seconds, on an instance with next to no data. */
export interface Overhead {
  /** A run that does nothing, from its record in the catalog to its end there. */
  readonly noOpSeconds: number;
  /** A full backup, the same way. */
  readonly fullSeconds: number;
  /** The same full backup by the engine alone, without the start of its process. */
  readonly engineSeconds: number;
  /**
   * What API, Temporal, worker and agent add to a full backup. The engine alone is a process that has just begun, the agent
   * one that runs for long: on a busy machine the difference may come out below zero.
   */
  readonly aboveEngineSeconds: number;
}

const runTimeoutMs = 120_000;
const runShape = z.looseObject({
  run: z.looseObject({ state: z.string(), createdAt: z.string(), closedAt: z.string() }),
});

interface Stage {
  readonly api: HoldfastClient;
  readonly host: string;
  readonly systemId: string;
  readonly instance: EmbeddedPostgres;
  readonly folder: string;
}

/** Starts a whole Holdfast below `base`, measures in turns, and ends it. One uncounted round goes first. */
export async function measureOverhead(base: string, rounds: number): Promise<Overhead> {
  const folder = mkdtempSync(join(base, 'hf-overhead-'));
  // Why: the servers run as another account, which must get in.
  chmodSync(folder, 0o755);
  const parts = ['catalog', 'temporal', 'demo-instance', 'api', 'worker', 'agent'] as const;
  try {
    const stack = await openStack({ home: folder, parts, instanceMajor: 15 });
    try {
      return await measure(await prepare(stack, folder), rounds);
    } finally {
      await stack.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare({ places }: Stack, folder: string): Promise<Stage> {
  const { instance, apiUrl, adminTokenPath } = places;
  if (instance === undefined) throw bug('the stage has an instance');
  const api = new HoldfastClient(apiUrl, adminTokenPath);
  const { data } = await api.get<{ data: { id: string }[] }>('/hosts');
  const host = data[0]?.id ?? '';
  const { dataDirectory, user, password } = instance;
  const made = await api.post<{ systemId: string }>('/resources', { host, dataDirectory, name: 'small' });
  await api.post('/resources/small/login', { user, password });
  await api.post('/pools', { name: 'pool', host, place: { kind: 'local', directory: join(folder, 'pool') } });
  return { api, host, systemId: made.systemId, instance, folder };
}

async function measure(stage: Stage, rounds: number): Promise<Overhead> {
  const engine = await openAlone(stage);
  const times = { noOp: [] as number[], full: [] as number[], engine: [] as number[] };
  const full = {
    ...{ kind: 'full-backup', resource: 'small', pool: 'pool' },
    options: { channels: 2, archiveRetention: { mode: 'keep' }, archiveDirectory: stage.instance.archiveDirectory },
  };
  for (let round = 0; round <= rounds; round++) {
    const noOp = await runSeconds(stage, { kind: 'no-op', host: stage.host, seconds: 0 });
    const whole = await runSeconds(stage, full);
    const alone = await engine();
    if (round === 0) continue;
    times.noOp.push(noOp);
    times.full.push(whole);
    times.engine.push(alone);
  }
  const [noOpSeconds, fullSeconds, engineSeconds] = [median(times.noOp), median(times.full), median(times.engine)];
  const aboveEngineSeconds = Math.round((fullSeconds - engineSeconds) * 1000) / 1000;
  return { noOpSeconds, fullSeconds, engineSeconds, aboveEngineSeconds };
}

/** By the catalog's own clock, so that looking for the end does not count. Throws `demo_run_failed`. */
async function runSeconds({ api }: Stage, body: object): Promise<number> {
  const { id } = await api.post<{ id: string }>('/runs', body);
  await api.untilFinal(id, runTimeoutMs);
  const { run } = runShape.parse(await api.get(`/runs/${id}`));
  if (run.state !== 'succeeded' && run.state !== 'warned')
    throw fail('demo_run_failed', { run: id, state: run.state, cause: JSON.stringify(run) });
  return (Date.parse(run.closedAt) - Date.parse(run.createdAt)) / 1000;
}

/** Takes the same full backup with the engine alone; seconds of its work. */
async function openAlone({ instance, systemId, folder }: Stage): Promise<() => Promise<number>> {
  const engine = await openEngine(join(folder, 'engine'));
  const options = {
    ...{ action: 'full', data: instance.dataDirectory, socket: instance.socketDirectory, port: String(instance.port) },
    ...{ 'system-id': systemId, 'password-file': join(instance.folder, 'password') },
    archive: instance.archiveDirectory,
  };
  return async () => (await engine.run({ ...options, 'set-id': newId('set') })).engineMs / 1000;
}
