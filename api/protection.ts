import { z } from 'zod';
import type { Catalog, Database } from '#catalog/database.ts';
import type { ResourceId } from '#core/id.ts';
import { gapsOnWay } from '#core/log/switches/gaps-on-way.ts';
import type { Protection, Protections } from '#core/notice/protection.ts';
import { timelinesOf } from './routes/sets/backup-sets.ts';

const markShape = z.object({ mark: z.string() });

/** Changes whenever sets, log, marks or deletions of a database do. */
async function markOf(db: Database, systemId: string): Promise<string> {
  const [row] = await db.rows(
    markShape,
    `select concat_ws('|',
       (select concat_ws(',', count(*), max(indexed_at), max(verified_at)) from backup_set where system_id = $1),
       (select concat_ws(',', count(*), max(indexed_at), max(checked_at)) from log_batch where system_id = $1),
       (select count(*) from set_mark m join backup_set s on s.id = m.set_id and s.pool_id = m.pool_id where s.system_id = $1),
       (select concat_ws(',', count(*), max(done_at)) from deletion)) as mark`,
    [systemId],
  );
  return row?.mark ?? '';
}

export function openProtections(catalog: Catalog): Protections {
  const known = new Map<ResourceId, { readonly mark: string; readonly protection: Promise<Protection> }>();
  return {
    of: async ({ id, systemId }) => {
      const mark = await markOf(catalog, systemId);
      const cached = known.get(id);
      if (cached?.mark === mark) return cached.protection;
      const protection = protectionOf(catalog, id);
      known.set(id, { mark, protection });
      // Why: a failure is not remembered, the next one asks again.
      protection.catch(() => known.delete(id));
      return protection;
    },
  };
}

async function protectionOf(catalog: Catalog, id: ResourceId): Promise<Protection> {
  const pools = await timelinesOf({ catalog }, id);
  const covered = pools.flatMap(({ timeline }) => timeline.coveredUntil ?? []).sort();
  const latest = covered[covered.length - 1];
  const gaps = pools.flatMap(({ poolId, poolName, timeline }) =>
    gapsOnWay(timeline).map((gap) => ({ poolId, pool: poolName, gap })),
  );
  return { gaps, ...(latest === undefined ? {} : { coveredUntil: latest }) };
}
