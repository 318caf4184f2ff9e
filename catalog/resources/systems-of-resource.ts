import { z } from 'zod';
import type { PoolId, ResourceId } from '#core/id.ts';
import type { Database } from '#catalog/database.ts';

/** Databases, by system id, of which a pool holds sets or log of a resource: more than one after it was initialised anew. */
export async function systemsOfResource(db: Database, resource: ResourceId, pool: PoolId): Promise<readonly string[]> {
  const rows = await db.rows(
    z.object({ systemId: z.string() }),
    `select system_id as "systemId" from backup_set where resource_id = $1 and pool_id = $2
     union select system_id from log_batch where resource_id = $1 and pool_id = $2 order by 1`,
    [resource, pool],
  );
  return rows.map(({ systemId }) => systemId);
}
