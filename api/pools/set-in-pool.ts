import { z } from 'zod';
import type { SetRow } from '#catalog/backup-sets.ts';
import { getSet } from '#catalog/backup-sets.ts';
import type { Database } from '#catalog/database.ts';
import { getPool } from '#catalog/pools/pools.ts';
import type { PoolId, SetId } from '#core/id.ts';

/** A set may lie in several pools: a question about one says which, by id or name; else it is where it was known first. */
export const poolQuery = { pool: z.string().exactOptional() };
export const poolQueryShape = z.object(poolQuery);
type PoolQuery = z.output<typeof poolQueryShape>;

/** Throws `pool_not_found`. */
export const poolAsked = async (catalog: Database, { pool }: PoolQuery): Promise<{ readonly pool?: PoolId }> =>
  pool === undefined ? {} : { pool: (await getPool(catalog, pool)).id };

/** Throws `set_unknown`, `pool_not_found`. */
export const setAsked = async (catalog: Database, id: SetId, query: PoolQuery): Promise<SetRow> =>
  getSet(catalog, id, (await poolAsked(catalog, query)).pool);
