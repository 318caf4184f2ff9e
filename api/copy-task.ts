import { deletedFrom, setsOfPool, systemsLoggedTo, systemsWithLog } from '#catalog/pool-copies.ts';
import { getPool } from '#catalog/pools.ts';
import { unusableSets } from '#catalog/set-standing.ts';
import type { CopyWish } from '#core/care/plan-copy.ts';
import { planCopy } from '#core/care/plan-copy.ts';
import type { PoolCopyTask } from '#core/care/pool-copy.ts';
import type { PoolId, SetId } from '#core/id.ts';
import type { Context } from './context.ts';

interface CopyAsked extends CopyWish {
  readonly poolId: PoolId;
  readonly toPoolId: PoolId;
}

/** What a copy takes, as the catalog knows both pools now. Throws `set_unknown`, `copy_refused`, `pool_not_found`. */
export async function copyTask({ catalog }: Context, { poolId, toPoolId, ...wish }: CopyAsked): Promise<PoolCopyTask> {
  const sets = await setsOfPool(catalog, poolId);
  const unusable = new Map<SetId, string>();
  for (const systemId of new Set(sets.map((set) => set.systemId)))
    for (const [setId, why] of await unusableSets(catalog, systemId, poolId)) unusable.set(setId, why);
  const world = {
    from: (await getPool(catalog, poolId)).name,
    to: (await getPool(catalog, toPoolId)).name,
    ...{ sets, unusable, there: new Set((await setsOfPool(catalog, toPoolId)).map(({ setId }) => setId)) },
    deletedThere: await deletedFrom(catalog, toPoolId),
    systemsWithLog: await systemsWithLog(catalog, poolId),
    systemsLoggedThere: await systemsLoggedTo(catalog, toPoolId),
  };
  return planCopy(world, wish);
}
