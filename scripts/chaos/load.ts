import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bug } from '#core/errors/fail.ts';
import { giveToUnprivileged } from '../supervisor/unprivileged.ts';
import { dropDatabase, proveCopyOf, proveLogDirectory, proveShopAs } from './copies.ts';
import { shopDatabase } from './frozen.ts';
import type { Kind, PlannedRun, PoolName } from './plan.ts';
import { poolNames } from './plan.ts';
import type { SetInCatalog } from './sets.ts';
import { logicalSetsInCatalog, setsInCatalog } from './sets.ts';
import type { Moment } from './traffic.ts';
import type { World } from './world.ts';
import { resource } from './world.ts';

/** A run as the API answered it. */
export interface Begun {
  readonly id: string;
  readonly setId: string | null;
}

/** What a run that was started is judged by, besides its state. */
export interface Started {
  readonly run: Begun;
  /** Looks at what it made and removes it; answers what is wrong. Only after it succeeded. */
  readonly prove?: (result: Readonly<Record<string, unknown>>) => Promise<readonly string[]>;
}

/** What the runs of an episode build on, looked up while everything runs. */
interface Ground {
  readonly sets: readonly SetInCatalog[];
  readonly logicalSets: readonly SetInCatalog[];
  /** A moment whose log is in the pool of a recovery. */
  readonly moment: Moment | undefined;
  /** A number that no other run has: in names of directories and databases. */
  readonly number: () => number;
}

const channels = 2;
/** Limits that make a run last some seconds, so that there is something to interrupt. */
const paces = { data: 8_388_608, small: 524_288, log: 1_048_576, write: 16_777_216 } as const;
const transfer = (transferBytesPerSecond: number) => ({ transferBytesPerSecond });

const base = (world: World, pool: PoolName, rate: number, archive: 'keep' | 'delete') => ({
  ...{ resource, pool, whenBusy: 'wait' },
  options: {
    ...{ limits: transfer(rate), archiveDirectory: world.source.archiveDirectory },
    ...{ archiveRetention: { mode: archive }, channels },
  },
});

/** Newest set that fits. */
const pick = (
  sets: readonly SetInCatalog[],
  pool: PoolName,
  fits: (set: SetInCatalog) => boolean = () => true,
): string => {
  const found = sets.find((set) => set.pool === pool && fits(set));
  if (found === undefined) throw bug(`pool ${pool} has a set to work with`);
  return found.id;
};

const other = (pool: PoolName): PoolName => poolNames.find((name) => name !== pool) ?? pool;

type Start = (world: World, pool: PoolName, ground: Ground) => Promise<Started>;

const run = async (world: World, path: string, body: unknown): Promise<Started> => ({
  run: await world.api.post<Begun>(path, body),
});

const startCopy = async (
  world: World,
  { pool, number }: { pool: PoolName; number: number },
  { target, moment }: { target: unknown; moment?: Moment },
): Promise<Started> => {
  const directory = join(world.copies, `copy-${String(number)}`);
  const options = { channels, limits: { ...transfer(paces.data), writeBytesPerSecond: paces.write } };
  const started = await run(world, '/restores', {
    resource,
    pool,
    target,
    place: { kind: 'copy', directory },
    options,
  });
  return { ...started, prove: (result) => proveCopyOf(world, { directory, result, moment }) };
};

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

const starts: Readonly<Record<Kind, Start>> = {
  'full-backup': (world, pool) =>
    run(world, '/runs', { kind: 'full-backup', ...base(world, pool, paces.data, 'keep') }),
  'incremental-backup': (world, pool, { number }) => {
    const type = number() % 2 === 0 ? 'differential' : 'cumulative';
    return run(world, '/runs', { kind: 'incremental-backup', type, ...base(world, pool, paces.small, 'keep') });
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
    startCopy(world, { pool, number: number() }, { target: { at: 'immediate', setId: pick(sets, pool) } }),
  'recovery-copy': (world, pool, { moment, number }) => {
    if (moment === undefined) throw bug('the log of a moment is in the pool');
    return startCopy(world, { pool, number: number() }, { target: { at: 'time', time: moment.time }, moment });
  },
  'logical-backup': (world, pool) => {
    const { options, ...where } = base(world, pool, paces.log, 'keep');
    const nothing = { schemas: [], tables: [], excludeSchemas: [], excludeTables: [] };
    const selection = { of: 'chosen', databases: [{ database: shopDatabase, ...nothing }] };
    return run(world, '/logical-backups', { ...where, selection, options: { channels, limits: options.limits } });
  },
  'logical-restore': (world, pool, { logicalSets, number }) => {
    const set = pick(logicalSets, logicalSets.some((one) => one.pool === pool) ? pool : other(pool));
    const name = `shop_of_set_${String(number())}`;
    return intoNewDatabase(world, { path: '/logical-restores', body: { set }, name });
  },
  'database-recovery': (world, pool, { sets, number }) => {
    const target = { at: 'immediate', setId: pick(sets, pool) };
    const name = `shop_recovered_${String(number())}`;
    return intoNewDatabase(world, { path: '/database-recoveries', body: { resource, pool, target }, name });
  },
  'log-restore': async (world, pool, { sets, number }) => {
    const directory = join(world.copies, `log-${String(number())}`);
    const asked = { resource, pool, directory, setId: pick(sets, pool), limits: transfer(paces.log * 4) };
    return { ...(await run(world, '/log-restores', asked)), prove: () => proveLogDirectory(directory) };
  },
  drill: (world, pool) => run(world, '/drills', { resource, pool, channels, limits: transfer(paces.data) }),
};

/** Starts a run as planned; whatever dies meanwhile, it is asked for until there is an answer. */
export const startRun = (world: World, { kind, pool }: PlannedRun, ground: Ground): Promise<Started> =>
  starts[kind](world, pool, ground);

const logWithinMs = 120_000;

/** Closes segments of log with something in them, and backs up the log into a pool, undisturbed. */
async function backUpLog(world: World, pool: PoolName): Promise<void> {
  await world.sql.query('select pg_switch_wal()');
  const { run: begun } = await run(world, '/runs', { kind: 'log-backup', ...base(world, pool, 0, 'delete') });
  await demandEnd(world, begun.id, 'log-backup');
}

/** Waits for the end of a run that nobody disturbs. */
async function demandEnd({ api }: World, id: string, kind: string): Promise<void> {
  const end = performance.now() + logWithinMs;
  for (;;) {
    const { run: now } = await api.get<{ run: { state: string; outcome: unknown } }>(`/runs/${id}`);
    if (now.state === 'succeeded' || now.state === 'warned') return;
    if (['failed', 'cancelled', 'skipped'].includes(now.state) || performance.now() > end)
      throw bug(`an undisturbed ${kind} succeeds: ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The first sets of each pool, and the log that they need: what every kind of run can build on. */
export async function layGround(world: World): Promise<void> {
  for (const kind of ['full-backup', 'incremental-backup', 'logical-backup'] as const) {
    await Promise.all(
      poolNames.map(async (pool) => {
        const ground = { sets: [], logicalSets: [], moment: undefined, number: () => 0 };
        const { run: begun } = await startRun(world, { kind, pool }, ground);
        await demandEnd(world, begun.id, kind);
      }),
    );
  }
  await Promise.all(poolNames.map((pool) => backUpLog(world, pool)));
}

/** A stream too: it goes on behind the log that its pool holds, and a gap there would never close. */
const kindsOnLog: readonly Kind[] = ['recovery-copy', 'log-restore', 'log-stream'];

/** Looks up what the runs of an episode build on; those that need log behind the newest set get it into their pool first. */
export async function groundFor(world: World, runs: readonly PlannedRun[], number: () => number): Promise<Ground> {
  mkdirSync(world.copies, { recursive: true });
  giveToUnprivileged(world.copies);
  const [moment] = world.traffic.moments();
  const needy = runs.filter(({ kind }) => kindsOnLog.includes(kind));
  for (const pool of new Set(needy.map((planned) => planned.pool))) await backUpLog(world, pool);
  const [sets, logicalSets] = [await setsInCatalog(world), await logicalSetsInCatalog(world)];
  return { sets, logicalSets, moment, number };
}
