import { z } from 'zod';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { PoolId, RunId, SetId } from '#core/id.ts';
import { setSummaryShape } from '#core/settings/shape/committed.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { isOpenSql } from './leases.ts';

/** Every set of a pool, by id. */
export async function setsOfPool(db: Database, pool: PoolId): Promise<readonly SetSummary[]> {
  const shape = z.object({ summary: setSummaryShape });
  const rows = await db.rows(shape, 'select summary from backup_set where pool_id = $1 order by id', [pool]);
  return rows.map(({ summary }) => summary);
}

/** Sets that plans deleted from a pool and that are not in it again, with the run. */
export async function deletedFrom(db: Database, pool: PoolId): Promise<ReadonlyMap<SetId, RunId>> {
  const rows = await db.rows(
    z.object({ id: idShape('set'), run: idShape('run') }),
    `select object as id, run_id as run from deletion
     where pool_id = $1 and kind = 'set' and state in ('removed', 'done')`,
    [pool],
  );
  return new Map(rows.map(({ id, run }) => [id, run]));
}

/** Those of them whose run has not ended and may remove objects of them still. */
export async function deletingFrom(db: Database, pool: PoolId): Promise<ReadonlyMap<SetId, RunId>> {
  const rows = await db.rows(
    z.object({ id: idShape('set'), run: idShape('run') }),
    `select d.object as id, d.run_id as run from deletion d join run r on r.id = d.run_id
     where d.pool_id = $1 and d.kind = 'set' and d.state in ('removed', 'done') and ${isOpenSql}`,
    [pool],
  );
  return new Map(rows.map(({ id, run }) => [id, run]));
}

/**
 * Lets sets that were deleted from a pool be there again: a copy is about to bring them. Without this their deletion would
 * keep them out of the index and refuse every lease. A deletion whose run goes on stays.
 */
export async function forgetDeletions(db: Database, pool: PoolId, sets: readonly SetId[]): Promise<void> {
  await db.change(
    `update deletion d set state = 'kept' from run r
     where r.id = d.run_id and d.pool_id = $1 and d.kind = 'set' and d.object = any ($2)
       and d.state in ('removed', 'done') and not (${isOpenSql})`,
    [pool, sets],
  );
}

interface FoundAgain {
  readonly setId: SetId;
  readonly pool: PoolId;
  readonly teller: RunId;
}

/**
 * Lets a set that was deleted from a pool be there again: a rebuild from that pool, begun after the deletion, found it. A
 * deletion whose run goes on stays.
 */
export async function forgetUndone(db: Database, { setId, pool, teller }: FoundAgain): Promise<void> {
  await db.change(
    `update deletion d set state = 'kept' from run r, run b join job_revision v on v.job_id = b.job_id and v.n = b.revision
     where r.id = d.run_id and d.pool_id = $1 and d.kind = 'set' and d.object = $2
       and d.state in ('removed', 'done') and not (${isOpenSql})
       and b.id = $3 and b.kind = 'rebuild' and v.spec ->> 'poolId' = $1 and d.removed_at < b.created_at`,
    [pool, setId, teller],
  );
}

const systemShape = z.object({ systemId: z.string() });

/** Databases, by system id, of which a pool holds log. */
export async function systemsWithLog(db: Database, pool: PoolId): Promise<readonly string[]> {
  const sql = 'select distinct system_id as "systemId" from log_batch where pool_id = $1 order by 1';
  return (await db.rows(systemShape, sql, [pool])).map(({ systemId }) => systemId);
}

/** Databases whose own log backups have a pool as their target. */
export async function systemsLoggedTo(db: Database, pool: PoolId): Promise<ReadonlySet<string>> {
  const rows = await db.rows(
    systemShape,
    `select distinct r.system_id as "systemId" from resource_log_pool l join resource r on r.id = l.resource_id
     where l.pool_id = $1`,
    [pool],
  );
  return new Set(rows.map(({ systemId }) => systemId));
}
