import { isDeepStrictEqual } from 'node:util';
import type { PoolName } from './plan.ts';
import type { Ground, Start, Started, Swapped } from './begun.ts';
import { channels, paces, pick, pickLogical, run, runToEnd, transfer } from './begun.ts';
import { proveShop, stockDatabase } from './frozen.ts';
import { addressOf } from './session.ts';
import type { World } from './world.ts';
import { resource } from './names.ts';

/** How a swap is settled: back, and what came is dropped; or what was replaced is dropped. */
type Settlement = 'undo' | 'confirm';

interface Transfer {
  readonly id: string;
  readonly kept: string;
  readonly placed: readonly { readonly kind: string; readonly keptAs?: string }[];
}

/** What a database is told by, whatever is in it: a replaced one keeps its comment, and what comes has none or another. */
async function markStock({ sql }: World, mark: string): Promise<void> {
  await sql.query(`comment on database ${stockDatabase} is '${mark}'`);
}

async function markOf({ sql }: World, database: string): Promise<string | null | undefined> {
  const statement = "select shobj_description(oid, 'pg_database') as mark from pg_database where datname = $1";
  const { rows } = await sql.query<{ mark: string | null }>(statement, [database]);
  return rows[0]?.mark;
}

const asked = {
  ...{ databases: [stockDatabase], consent: resource, endsSessions: true },
  ...{ channels, limits: transfer(paces.small) },
};

const swapFrom = (pool: PoolName, ground: Ground) =>
  ({ path: '/logical-restores', body: { ...asked, set: pickLogical(ground, pool) } }) as const;

/** Replaces the database undisturbed, for a run that settles it under kills. */
export async function swapUndisturbed(world: World, pool: PoolName, ground: Ground): Promise<Swapped> {
  const mark = markFor(ground.number());
  await markStock(world, mark);
  const { path, body } = swapFrom(pool, ground);
  return { run: (await runToEnd(world, path, { ...body, limits: {} })).id, mark };
}

const markFor = (number: number): string => `stock before ${String(number)}`;
const settlementFor = (mark: string): Settlement => (/[02468]$/.test(mark) ? 'undo' : 'confirm');
const settle = (id: string, verb: Settlement | 'discard') => `/database-recoveries/${id}/${verb}`;

async function startSwap(
  world: World,
  number: number,
  { path, body }: { path: string; body: unknown },
): Promise<Started> {
  const mark = markFor(number);
  await markStock(world, mark);
  const started = await run(world, path, body);
  const swapped = { run: started.run.id, mark };
  return { ...started, prove: () => proveSwap(world, swapped) };
}

/** Overwrites from a logical set, and from a physical one. */
export const startLogicalSwap: Start = (world, pool, ground) =>
  startSwap(world, ground.number(), swapFrom(pool, ground));
export const startDatabaseSwap: Start = (world, pool, { sets, number }) => {
  const target = { at: 'immediate', setId: pick(sets, pool) };
  return startSwap(world, number(), { path: '/database-recoveries', body: { ...asked, resource, pool, target } });
};

/** Undoes or confirms a swap that was made before, under kills. */
export const startSettling: Start = async (world, pool, ground) => {
  const swapped = ground.swapped ?? (await swapUndisturbed(world, pool, ground));
  const verb = settlementFor(swapped.mark);
  const started = await run(world, settle(swapped.run, verb), { endsSessions: true });
  return { ...started, prove: () => proveSettled(world, swapped, verb) };
};

const isStock = async ({ source, stock }: World, database: string): Promise<boolean> =>
  isDeepStrictEqual(await proveShop(addressOf(source), database), stock);

/** What came is in place, what it replaced is whole beside it; then it is settled, which is looked at, too. */
async function proveSwap(world: World, swapped: Swapped): Promise<readonly string[]> {
  const { data } = await world.api.get<{ data: Transfer[] }>('/database-recoveries');
  const told = data.find(({ id }) => id === swapped.run);
  const keptAs = told?.placed[0]?.keptAs;
  if (told?.kept !== 'kept' || keptAs === undefined) return [`the catalog tells of the swap: ${JSON.stringify(told)}`];
  const wrongs: string[] = [];
  if ((await markOf(world, keptAs)) !== swapped.mark) wrongs.push(`${keptAs} is not the database that was replaced`);
  if ((await markOf(world, stockDatabase)) === swapped.mark) wrongs.push(`${stockDatabase} was not replaced`);
  for (const name of [stockDatabase, keptAs]) if (!(await isStock(world, name))) wrongs.push(`${name} differs by hash`);
  const verb = settlementFor(swapped.mark);
  await runToEnd(world, settle(swapped.run, verb), { endsSessions: true });
  return [...wrongs, ...(await proveSettled(world, swapped, verb))];
}

async function proveSettled(world: World, { run: id, mark }: Swapped, verb: Settlement): Promise<readonly string[]> {
  const wrongs: string[] = [];
  const isOld = (await markOf(world, stockDatabase)) === mark;
  if (isOld !== (verb === 'undo'))
    wrongs.push(`after ${verb} ${stockDatabase} is ${isOld ? 'the old one' : 'the new one'}`);
  if (!(await isStock(world, stockDatabase))) wrongs.push(`after ${verb} ${stockDatabase} differs by hash`);
  if (verb === 'undo') await runToEnd(world, settle(id, 'discard'), { endsSessions: true, consent: resource });
  return wrongs;
}
