import { mkdirSync } from 'node:fs';
import { bug } from '#core/errors/fail.ts';
import { giveToUnprivileged } from '../supervisor/unprivileged.ts';
import type { Ground, Start, Started } from './begun.ts';
import {
  base,
  channels,
  demandEnd,
  other,
  paceIn,
  paces,
  pick,
  pickLogical,
  run,
  runToEnd,
  transfer,
} from './begun.ts';
import { dropDatabase, proveShopAs } from './copies.ts';
import { shopDatabase, stockDatabase } from './frozen.ts';
import {
  startCopy,
  startDrill,
  startDrillInPlace,
  startExtract,
  startInPlace,
  startLogRestore,
  startRestoreElsewhere,
} from './places.ts';
import type { Kind, PlannedRun, PoolName } from './plan.ts';
import { poolNames } from './plan.ts';
import { logicalSetsInCatalog, setsInCatalog } from './sets.ts';
import { startDatabaseSwap, startLogicalSwap, startSettling, swapUndisturbed } from './swaps.ts';
import type { World } from './world.ts';
import { elsewhere, resource } from './names.ts';

const intoNewDatabase = async (
  world: World,
  { path, body, name }: { path: string; body: Readonly<Record<string, unknown>>; name: string },
): Promise<Started> => {
  const asked = { ...body, databases: [shopDatabase], as: name, channels, limits: transfer(paces.log) };
  return {
    ...(await run(world, path, asked)),
    prove: async () => {
      const wrongs = await proveShopAs(world, name);
      await dropDatabase(world, name);
      return wrongs;
    },
  };
};

/** A plan is executed only when what it stands on is still so: it is made again when a neighbour was faster. */
const startRetention: Start = async (world, pool) => {
  for (let tries = 0; ; tries++) {
    const { planId } = await world.api.post<{ planId: string }>('/retention/plans', { resource, pool });
    try {
      return await run(world, `/care-plans/${planId}/run`, {});
    } catch (error) {
      if (tries >= 5 || !String(error).includes('plan_outdated')) throw error;
    }
  }
};

/** All logical sets of a pool but the newest one. */
const startRemoval: Start = async (world, pool, { logicalSets }) => {
  const doomed = logicalSets.filter((set) => set.pool === pool).slice(1);
  const sets = doomed.map(({ id }) => id);
  return {
    ...(await run(world, '/logical-removals', { sets })),
    prove: async () => {
      const left = (await logicalSetsInCatalog(world)).filter(({ id }) => sets.includes(id));
      return left.map(({ id }) => `${id} is still in the catalog`);
    },
  };
};

const starts: Readonly<Record<Kind, Start>> = {
  'full-backup': (world, pool, ground) =>
    run(world, '/runs', { kind: 'full-backup', ...base(world, pool, paceIn(ground, paces.data), 'keep') }),
  'incremental-backup': (world, pool, ground) => {
    const type = ground.number() % 2 === 0 ? 'differential' : 'cumulative';
    const asked = base(world, pool, paceIn(ground, paces.small), 'keep');
    return run(world, '/runs', { kind: 'incremental-backup', type, ...asked });
  },
  'log-backup': (world, pool) => run(world, '/runs', { kind: 'log-backup', ...base(world, pool, paces.log, 'delete') }),
  'log-stream': (world, pool) =>
    run(world, '/runs', { kind: 'log-stream', tailSeconds: 1, ...base(world, pool, paces.log, 'keep') }),
  'pool-copy': (world, pool, { sets }) => {
    const asked = { to: other(pool), sets: [pick(sets, pool)], log: true, limits: transfer(paces.data) };
    return run(world, `/pools/${pool}/copies`, asked);
  },
  'verify-set': (world, pool, { sets }) =>
    run(world, `/backup-sets/${pick(sets, pool)}/verify?pool=${pool}`, { depth: 'full' }),
  retention: startRetention,
  scrub: (world, pool) => run(world, `/pools/${pool}/scrub`, {}),
  'merge-set': (world, pool, { sets }) => {
    const from = pick(sets, pool, ({ type }) => type !== 'full');
    return run(world, `/backup-sets/${from}/merge?pool=${pool}`, { channels, limits: transfer(paces.data) });
  },
  restore: (world, pool, { sets, number }) =>
    startCopy(world, { pool, number: number(), target: { at: 'immediate', setId: pick(sets, pool) } }),
  'recovery-copy': (world, pool, { moment, number }) => {
    if (moment === undefined) throw bug('the log of a moment is in the pool');
    return startCopy(world, { pool, number: number(), target: { at: 'time', time: moment.time }, moment });
  },
  'logical-backup': (world, pool, ground) => {
    const { options, ...where } = base(world, pool, paceIn(ground, paces.log), 'keep');
    const nothing = { schemas: [], tables: [], excludeSchemas: [], excludeTables: [] };
    const databases = [shopDatabase, stockDatabase].map((database) => ({ database, ...nothing }));
    const asked = { ...where, selection: { of: 'chosen', databases }, options: { channels, limits: options.limits } };
    return run(world, '/logical-backups', asked);
  },
  'logical-restore': (world, pool, ground) => {
    const name = `shop_of_set_${String(ground.number())}`;
    return intoNewDatabase(world, { path: '/logical-restores', body: { set: pickLogical(ground, pool) }, name });
  },
  'database-recovery': (world, pool, { sets, number }) => {
    const target = { at: 'immediate', setId: pick(sets, pool) };
    const name = `shop_recovered_${String(number())}`;
    return intoNewDatabase(world, { path: '/database-recoveries', body: { resource, pool, target }, name });
  },
  'log-restore': startLogRestore(),
  drill: startDrill(),
  'restore-in-place': startInPlace,
  'drill-in-place': startDrillInPlace,
  'restore-elsewhere': startRestoreElsewhere,
  'drill-elsewhere': startDrill(elsewhere),
  'log-restore-elsewhere': startLogRestore(elsewhere),
  'logical-swap': startLogicalSwap,
  'database-swap': startDatabaseSwap,
  'settle-swap': startSettling,
  'extract-set': startExtract,
  'verify-logical': (world, pool, ground) => run(world, `/logical-sets/${pickLogical(ground, pool)}/verify`, {}),
  'logical-removal': startRemoval,
  rebuild: (world, pool) => run(world, `/pools/${pool}/rebuild`, {}),
  collect: (world, pool) => run(world, `/pools/${pool}/gc`, { isDryRun: false, graceHours: 1 }),
};

/** Starts a run as planned; whatever dies meanwhile, it is asked for until there is an answer. */
export const startRun = (world: World, { kind, pool }: PlannedRun, ground: Ground): Promise<Started> =>
  starts[kind](world, pool, ground);

/** Closes segments of log with something in them, and backs up the log into a pool, undisturbed. */
async function backUpLog(world: World, pool: PoolName): Promise<void> {
  await world.sql.query('select pg_switch_wal()');
  await runToEnd(world, '/runs', { kind: 'log-backup', ...base(world, pool, 0, 'delete') });
}

/** Nothing to build on yet. */
const bareGround: Ground = {
  ...{ sets: [], placeSets: [], logicalSets: [], moment: undefined, swapped: undefined, number: () => 0 },
  isHurried: true,
};

async function takeOne(world: World, kind: Kind, pool: PoolName): Promise<void> {
  const { run: begun } = await startRun(world, { kind, pool }, bareGround);
  await demandEnd(world, begun.id, kind);
}

/** A full set of the instance that is restored in its place, which is closed afterwards for good. */
async function layPlace(world: World): Promise<void> {
  const { name, server } = world.place;
  const options = { archiveDirectory: server.archiveDirectory, archiveRetention: { mode: 'keep' }, channels };
  for (const pool of poolNames)
    await runToEnd(world, '/runs', { kind: 'full-backup', resource: name, pool, whenBusy: 'wait', options });
  await world.place.close();
}

/** The first sets of each pool, and the log that they need: what every kind of run can build on. */
export async function layGround(world: World): Promise<void> {
  const lay = async (pool: PoolName): Promise<void> => {
    await Promise.all([takeOne(world, 'full-backup', pool), takeOne(world, 'logical-backup', pool)]);
    await takeOne(world, 'incremental-backup', pool);
  };
  await Promise.all([...poolNames.map(lay), layPlace(world)]);
  await Promise.all(poolNames.map((pool) => backUpLog(world, pool)));
}

/** A stream too: it goes on behind the log that its pool holds, and a gap there would never close. */
const kindsOnLog: readonly Kind[] = ['recovery-copy', 'log-restore', 'log-restore-elsewhere', 'log-stream'];

/** Looks up what the runs of an episode build on; what they need and is not there is made first, undisturbed. */
export async function groundFor(world: World, runs: readonly PlannedRun[], number: () => number): Promise<Ground> {
  mkdirSync(world.copies, { recursive: true });
  giveToUnprivileged(world.copies);
  const [moment] = world.traffic.moments();
  const needy = runs.filter(({ kind }) => kindsOnLog.includes(kind));
  for (const pool of new Set(needy.map((planned) => planned.pool))) await backUpLog(world, pool);
  const removal = runs.find(({ kind }) => kind === 'logical-removal');
  if (removal !== undefined) await demandTwoSets(world, removal.pool);
  const all = await setsInCatalog(world);
  const [sets, placeSets] = [resource, world.place.name].map((name) => all.filter((set) => set.resource === name));
  const logicalSets = await logicalSetsInCatalog(world);
  const found = { sets: sets ?? [], placeSets: placeSets ?? [], logicalSets, moment, number };
  const ground: Ground = { ...bareGround, ...found, isHurried: false };
  const settling = runs.find(({ kind }) => kind === 'settle-swap');
  if (settling === undefined) return ground;
  return { ...ground, swapped: await swapUndisturbed(world, settling.pool, ground) };
}

/** One to remove and one to keep. */
async function demandTwoSets(world: World, pool: PoolName): Promise<void> {
  const own = (await logicalSetsInCatalog(world)).filter((set) => set.pool === pool);
  for (let count = own.length; count < 2; count++) await takeOne(world, 'logical-backup', pool);
}
