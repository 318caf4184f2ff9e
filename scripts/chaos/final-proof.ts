import { join } from 'node:path';
import { proveCopyOf } from './copies.ts';
import type { Begun } from './begun.ts';
import type { Course } from './episode.ts';
import { poolNames } from './plan.ts';
import type { Wrong } from './record.ts';
import { logicalSetsInCatalog, runsInCatalog, setsInCatalog } from './sets.ts';
import type { Watched } from './watch.ts';
import { follow } from './watch.ts';
import type { World } from './world.ts';
import { resource } from './world.ts';

const withinMs = 300_000;

/** Runs something nobody disturbs to its end. */
async function undisturbedRun(world: World, path: string, body: unknown): Promise<Watched> {
  const { id } = await world.api.post<Begun>(path, body);
  const watched: Watched = {
    ...{ kind: 'verify-set', pool: 'near', startedMs: performance.now(), id, setId: null },
    ...{ phase: '', state: 'queued', endedMs: undefined, outcome: {} },
  };
  await follow(world, [watched], AbortSignal.any([world.signal, AbortSignal.timeout(withinMs)]));
  world.signal.throwIfAborted();
  return watched;
}

async function verify(world: World, path: string): Promise<readonly string[]> {
  const { state, outcome } = await undisturbedRun(world, path, {});
  const { damage } = outcome.result ?? {};
  const isWhole = state === 'succeeded' && (!Array.isArray(damage) || damage.length === 0);
  return isWhole ? [] : [`${path} ended ${state}: ${JSON.stringify(outcome).slice(0, 600)}`];
}

async function restore(
  world: World,
  pool: string,
  { setId, number }: { setId?: string; number: number },
): Promise<readonly string[]> {
  const directory = join(world.copies, `proof-${String(number)}`);
  const target = setId === undefined ? { at: 'latest' } : { at: 'immediate', setId };
  const asked = { resource, pool, target, place: { kind: 'copy', directory }, options: { channels: 2 } };
  const { state, outcome } = await undisturbedRun(world, '/restores', asked);
  if (state !== 'succeeded' && state !== 'warned')
    return [`a restore from ${pool} ended ${state}: ${JSON.stringify(outcome)}`];
  return proveCopyOf(world, { directory, result: outcome.result ?? {}, moment: undefined });
}

/** What of all sets is restored: of each pool so many, evenly over their age, and the latest point. */
const sampledPerPool = 2;

/** After the last episode: every visible set verifies, sampled ones restore, and there are as many runs as were asked for. */
export async function proveAll({
  world,
  number,
}: Course): Promise<{ wrongs: Wrong[]; proofs: Record<string, number> }> {
  const texts: string[] = [];
  const [sets, logicalSets] = [await setsInCatalog(world), await logicalSetsInCatalog(world)];
  for (const { id, pool } of sets) texts.push(...(await verify(world, `/backup-sets/${id}/verify?pool=${pool}`)));
  for (const { id } of logicalSets) texts.push(...(await verify(world, `/logical-sets/${id}/verify`)));
  let restored = 0;
  for (const pool of poolNames) {
    const own = sets.filter((set) => set.pool === pool && set.resource === resource);
    const step = Math.max(1, Math.floor(own.length / sampledPerPool));
    for (const { id } of own.filter((_set, at) => at % step === 0).slice(0, sampledPerPool)) {
      restored += 1;
      texts.push(...(await restore(world, pool, { setId: id, number: number() })));
    }
    restored += 1;
    texts.push(...(await restore(world, pool, { number: number() })));
  }
  const open = (await runsInCatalog(world)).filter(({ state }) => ['queued', 'running', 'paused'].includes(state));
  texts.push(...open.map(({ id, kind, state }) => `${kind} ${id} is ${state} after everything`));
  return {
    wrongs: texts.map((what) => ({ episode: 0, what })),
    proofs: { 'sets verified': sets.length + logicalSets.length, 'sets restored': restored },
  };
}
