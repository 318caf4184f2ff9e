import { z } from 'zod';
import type { SetSummary, SetType } from '#core/backup/set-summary.ts';
import { fail } from '#core/errors/fail.ts';
import type { PoolId, ResourceId, SetId } from '#core/id.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import { setSummaryShape } from '#core/settings/shape/committed.ts';
import { verifyReportShape } from '#core/settings/shape/reports.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';
import { ensureResource } from './resources.ts';

export const setShape = z.object({
  id: idShape('set'),
  poolId: idShape('pool'),
  resourceId: idShape('res'),
  summary: setSummaryShape,
  indexedAt: instantShape,
  verifiedAt: instantShape.nullable(),
  verifyReport: verifyReportShape.nullable(),
});
export type SetRow = z.output<typeof setShape>;

const columns = `id, pool_id as "poolId", resource_id as "resourceId", summary, indexed_at as "indexedAt",
  verified_at as "verifiedAt", verify_report as "verifyReport"`;

/**
 * Indexes a committed set; told again it stays as it is (the pool is truth, design §5). One that a plan has deleted
 * meanwhile does not come back: who tells of it had read its metadata before.
 */
export function indexSet(db: Database, set: SetSummary, pool: PoolId): Promise<void> {
  return db.transaction(async (inside) => {
    const serverMajor = Math.floor(set.serverVersion / 10_000);
    await ensureResource(inside, { id: set.resourceId, engine: set.engine, systemId: set.systemId, serverMajor });
    await inside.change(
      `insert into backup_set (id, run_id, pool_id, resource_id, system_id, summary, ended_at)
       select $1, $2, $3, $4, $5, $6, $7 where not exists
         (select 1 from deletion where kind = 'set' and object = $1 and pool_id = $3 and state in ('removed', 'done'))
       on conflict (id) do nothing`,
      [set.setId, set.runId, pool, set.resourceId, set.systemId, JSON.stringify(set), set.endedAt],
    );
  });
}

/** Throws `set_unknown`. */
export async function getSet(db: Database, id: SetId): Promise<SetRow> {
  const rows = await db.rows(setShape, `select ${columns} from backup_set where id = $1`, [id]);
  const set = rows[0];
  if (set === undefined) throw fail('set_unknown', { set: id });
  return set;
}

export const hasSet = async (db: Database, id: SetId): Promise<boolean> =>
  (await db.rows(z.object({ id: z.string() }), 'select id from backup_set where id = $1', [id])).length > 0;

export interface SetFilter {
  readonly resource?: ResourceId;
  readonly type?: SetType;
}

/** Newest first. */
export async function listSets(db: Database, page: PageRequest, filter: SetFilter = {}): Promise<Page<SetRow>> {
  const rows = await db.rows(
    setShape,
    `select ${columns} from backup_set where ($1::text is null or id < $1) and ($2::text is null or resource_id = $2)
       and ($3::text is null or type = $3) order by id desc limit $4`,
    [page.after ?? null, filter.resource ?? null, filter.type ?? null, page.limit + 1],
  );
  return pageOf(rows, page.limit);
}

/** Every set of one database, whichever pool holds it. */
export const setsOfDatabase = (db: Database, systemId: string): Promise<SetRow[]> =>
  db.rows(setShape, `select ${columns} from backup_set where system_id = $1 order by id`, [systemId]);

/** A full and everything that builds on it, in one pool. */
export const setsOfFull = (db: Database, full: SetId, pool: PoolId): Promise<SetRow[]> =>
  db.rows(setShape, `select ${columns} from backup_set where full_set_id = $1 and pool_id = $2 order by id`, [
    full,
    pool,
  ]);

export const storeVerify = (db: Database, id: SetId, report: VerifyReport): Promise<number> =>
  db.change('update backup_set set verified_at = now(), verify_report = $2 where id = $1', [
    id,
    JSON.stringify(report),
  ]);
