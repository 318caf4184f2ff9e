import { deletedFrom, deletingFrom, setsOfPool, systemsLoggedTo, systemsWithLog } from '#catalog/pools/pool-copies.ts';
import type { Database } from '#catalog/database.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { unusableSets } from '#catalog/pools/set-standing.ts';
import type { CopyWish } from '#core/care/plan-copy.ts';
import { planCopy } from '#core/care/plan-copy.ts';
import type { PoolCopyTask } from '#core/care/pool-copy.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { UnusableSets } from '#core/backup/usable-sets.ts';
import type { PoolId, SetId } from '#core/id.ts';
import type { Context } from '#api/context.ts';

interface CopyAsked extends CopyWish {
  readonly poolId: PoolId;
  readonly toPoolId: PoolId;
}

/** What a copy takes, as the catalog knows both pools now. Throws `set_unknown`, `copy_refused`, `pool_not_found`. */
export async function copyTask({ catalog }: Context, { poolId, toPoolId, ...wish }: CopyAsked): Promise<PoolCopyTask> {
  const sets = await setsOfPool(catalog, poolId);
  const setsThere = await setsOfPool(catalog, toPoolId);
  const world = {
    from: (await getPool(catalog, poolId)).name,
    to: (await getPool(catalog, toPoolId)).name,
    ...{ sets, unusable: await unusableOf(catalog, poolId, sets) },
    there: new Set(setsThere.map(({ setId }) => setId)),
    unusableThere: await unusableOf(catalog, toPoolId, setsThere),
    deletedThere: await deletedFrom(catalog, toPoolId),
    deletingThere: await deletingFrom(catalog, toPoolId),
    systemsWithLog: await systemsWithLog(catalog, poolId),
    systemsLoggedThere: await systemsLoggedTo(catalog, toPoolId),
  };
  return planCopy(world, wish);
}

/** Of the sets of a pool those that are damaged or quarantined there. */
async function unusableOf(catalog: Database, poolId: PoolId, sets: readonly SetSummary[]): Promise<UnusableSets> {
  const found = new Map<SetId, string>();
  for (const systemId of new Set(sets.map((set) => set.systemId)))
    for (const [setId, why] of await unusableSets(catalog, systemId, poolId)) found.set(setId, why);
  return found;
}
