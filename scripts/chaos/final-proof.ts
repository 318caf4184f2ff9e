import { join } from 'node:path';
import { proveCopyOf } from './copies.ts';
import type { Begun } from './begun.ts';
import type { Course } from './episode.ts';
import type { PoolName } from './plan.ts';
import { poolNames } from './plan.ts';
import type { Wrong } from './record.ts';
import type { SetInCatalog } from './sets.ts';
import { logicalSetsInCatalog, runsInCatalog, setsInCatalog } from './sets.ts';
import type { Watched } from './watch.ts';
import { follow } from './watch.ts';
import type { World } from './world.ts';
import { resource } from './names.ts';

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
  { setId, number }: { setId: string | undefined; number: number },
): Promise<readonly string[]> {
  const directory = join(world.copies, `proof-${String(number)}`);
  const target = setId === undefined ? { at: 'latest' } : { at: 'immediate', setId };
  const asked = { resource, pool, target, place: { kind: 'copy', directory }, options: { channels: 2 } };
  const { state, outcome } = await undisturbedRun(world, '/restores', asked);
  if (state !== 'succeeded' && state !== 'warned')
    return [`a restore from ${pool} ended ${state}: ${JSON.stringify(outcome)}`];
  return proveCopyOf(world, { directory, result: outcome.result ?? {}, moment: undefined });
}

/** Looks at so many at once: each is a run that mostly waits. */
const atOnce = 4;

/** Does all tasks, a few at once; what they found, in their order. */
async function together(tasks: readonly (() => Promise<readonly string[]>)[]): Promise<readonly string[]> {
  const found: (readonly string[])[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < tasks.length; at = next++) found[at] = (await tasks[at]?.()) ?? [];
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return found.flat();
}

/** What of all sets is restored: of each pool so many, evenly over their age, and the latest point. */
const sampledPerPool = 2;

function sampled(sets: readonly SetInCatalog[], pool: PoolName): readonly string[] {
  const own = sets.filter((set) => set.pool === pool && set.resource === resource).map(({ id }) => id);
  const step = Math.max(1, Math.floor(own.length / sampledPerPool));
  return own.filter((_id, at) => at % step === 0).slice(0, sampledPerPool);
}

/** After the last episode: every visible set verifies, sampled ones restore, and there are as many runs as were asked for. */
export async function proveAll({
  world,
  number,
}: Course): Promise<{ wrongs: Wrong[]; proofs: Record<string, number> }> {
  const [sets, logicalSets] = [await setsInCatalog(world), await logicalSetsInCatalog(world)];
  const verifying = [
    ...sets.map(({ id, pool }) => `/backup-sets/${id}/verify?pool=${pool}`),
    ...logicalSets.map(({ id }) => `/logical-sets/${id}/verify`),
  ].map((path) => () => verify(world, path));
  const restoring = poolNames.flatMap((pool) =>
    [...sampled(sets, pool), undefined].map((setId) => () => restore(world, pool, { setId, number: number() })),
  );
  const texts = [...(await together([...restoring, ...verifying]))];
  const open = (await runsInCatalog(world)).filter(({ state }) => ['queued', 'running', 'paused'].includes(state));
  texts.push(...open.map(({ id, kind, state }) => `${kind} ${id} is ${state} after everything`));
  return {
    wrongs: texts.map((what) => ({ episode: 0, what })),
    proofs: { 'sets verified': sets.length + logicalSets.length, 'sets restored': restoring.length },
  };
}
