import { z } from 'zod';
import { setsOfDatabase } from '#catalog/backup-sets.ts';
import type { Database } from '#catalog/database.ts';
import { batchesOf } from '#catalog/log-batches.ts';
import { systemsOfResource } from '#catalog/resources/systems-of-resource.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { RetentionWorld } from '#core/care/world.ts';
import type { PoolId, ResourceId, SetId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { locksIn } from './pool-locks.ts';
import type { PoolRow } from './pools.ts';
import { findPolicy } from './retention.ts';
import { standingsOf } from './set-marks.ts';
import { unusableSets } from './set-standing.ts';
import { damagedLogOf } from './verification.ts';

/** Which resource in which pool a plan is about. */
export interface CareScope {
  readonly resourceId: ResourceId;
  readonly pool: PoolRow;
}

/** Everything that retention looks at, as the catalog knows it now. */
export async function careWorld(db: Database, { resourceId, pool }: CareScope, now: Instant): Promise<RetentionWorld> {
  const sets: SetSummary[] = [];
  const batches: BatchSummary[] = [];
  const damaged = new Map<SetId, string>();
  const damagedLog = new Set<string>();
  for (const systemId of await systemsOfResource(db, resourceId, pool.id)) {
    const rows = (await setsOfDatabase(db, systemId)).filter((row) => row.poolId === pool.id);
    sets.push(...rows.map(({ summary }) => summary));
    batches.push(...(await batchesOf(db, systemId, pool.id)));
    for (const object of await damagedLogOf(db, systemId, pool.id)) damagedLog.add(object);
    for (const [setId, why] of await unusableSets(db, systemId, pool.id)) damaged.set(setId, why);
  }
  for (const set of sets) if (hasDamagedPages(set)) damaged.set(set.setId, 'it holds damaged pages of its source');
  const standings = await standingsOf(
    db,
    sets.map(({ setId }) => setId),
    pool.id,
  );
  const policy = (await findPolicy(db, pool.id, resourceId))?.policy;
  const locked = await locksIn(db, pool);
  return { resourceId, policy, now, sets, batches, damagedLog, damaged, standings, locked };
}

const hasDamagedPages = ({ warnings }: SetSummary): boolean => warnings.some(({ code }) => code === 'page_damaged');

/**
 * True when something was told since a moment that may turn a decision about a pool: damage of a set or of log, or a mark. A decision reads
 * every batch, which takes seconds in a large catalog; this takes none. An hour is for clocks that differ.
 */
export async function isTurned(db: Database, pool: PoolId, since: Instant): Promise<boolean> {
  const rows = await db.rows(
    z.object({ isTurned: z.boolean() }),
    `with moment as (select $2::timestamptz - interval '1 hour' as m)
     select exists (select 1 from backup_set, moment where pool_id = $1 and verified_at > m
         and jsonb_array_length(verify_report -> 'damage') > 0)
       or exists (select 1 from log_batch, moment where pool_id = $1 and checked_at > m
         and jsonb_array_length(verify_report -> 'damage') > 0)
       or exists (select 1 from set_mark, moment where pool_id = $1 and (mark ->> 'at')::timestamptz > m) as "isTurned"`,
    [pool, since],
  );
  return rows[0]?.isTurned ?? true;
}
