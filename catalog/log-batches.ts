import { z } from 'zod';
import type { PoolId, ResourceId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { batchSummaryShape } from '#core/settings/shape/committed.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';
import { ensureResource } from './resources/resources.ts';

/** Indexes a committed log batch; told again it stays as it is. */
export function indexBatch(db: Database, batch: BatchSummary, pool: PoolId): Promise<void> {
  return db.transaction(async (inside) => {
    await ensureResource(inside, {
      id: batch.resourceId,
      engine: 'postgresql',
      systemId: batch.systemId,
      serverMajor: 0,
    });
    await inside.change(
      `insert into log_batch (id, pool_id, run_id, resource_id, system_id, branch_id, summary)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict (id, pool_id) do nothing`,
      [batch.batchId, pool, batch.runId, batch.resourceId, batch.systemId, batch.branchId, JSON.stringify(batch)],
    );
  });
}

/** Every batch of one database in one pool: a restore reads set and log from the same pool. */
export async function batchesOf(db: Database, systemId: string, pool: PoolId): Promise<BatchSummary[]> {
  const rows = await db.rows(
    z.object({ summary: batchSummaryShape }),
    'select summary from log_batch where system_id = $1 and pool_id = $2 order by id',
    [systemId, pool],
  );
  return rows.map((row) => row.summary);
}

/** The newest batch of each branch of a database in one pool: enough to know the branches, however much log there is. */
export async function branchHeadsOf(db: Database, systemId: string, pool: PoolId): Promise<BatchSummary[]> {
  const rows = await db.rows(
    z.object({ summary: batchSummaryShape }),
    `select distinct on (branch_id) summary from log_batch where system_id = $1 and pool_id = $2
     order by branch_id, id desc`,
    [systemId, pool],
  );
  return rows.map((row) => row.summary);
}

/** Pools that hold sets or log of a database. */
export async function poolsWithDatabase(db: Database, systemId: string): Promise<PoolId[]> {
  const rows = await db.rows(
    z.object({ id: idShape('pool') }),
    `select pool_id as id from backup_set where system_id = $1 union select pool_id from log_batch where system_id = $1 order by 1`,
    [systemId],
  );
  return rows.map((row) => row.id);
}

/**
 * The newest batch of each branch of a resource, in whatever pool, that was indexed before a moment: a backup begun later on that
 * branch never needs log before its end. Empty when there is none, so everything may be needed.
 */
export async function lastBatchesBefore(db: Database, resource: ResourceId, moment: Instant): Promise<BatchSummary[]> {
  const rows = await db.rows(
    z.object({ summary: batchSummaryShape }),
    `select distinct on (branch_id) summary from log_batch where resource_id = $1 and indexed_at < $2
     order by branch_id, id desc`,
    [resource, moment],
  );
  return rows.map((row) => row.summary);
}
