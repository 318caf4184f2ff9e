import { z } from 'zod';
import type { SetSummary, SetType } from '#core/backup/set-summary.ts';
import { fail } from '#core/errors/fail.ts';
import type { PoolId, ResourceId, RunId, SetId } from '#core/id.ts';
import { setSummaryShape } from '#core/settings/shape/committed.ts';
import { verifyReportShape } from '#core/settings/shape/reports.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';
import { forgetUndone } from './pools/pool-copies.ts';
import { ensureResource } from './resources/resources.ts';

export const setShape = z.object({
  id: idShape('set'),
  poolId: idShape('pool'),
  /** Every pool that holds it, the one that was known first at the front. */
  pools: z.array(z.object({ id: idShape('pool'), name: z.string() })),
  resourceId: idShape('res'),
  resourceName: z.string(),
  summary: setSummaryShape,
  indexedAt: instantShape,
  verifiedAt: instantShape.nullable(),
  verifyReport: verifyReportShape.nullable(),
});
export type SetRow = z.output<typeof setShape>;

const columns = `s.id, s.pool_id as "poolId", s.resource_id as "resourceId", s.summary,
  (select r.name from resource r where r.id = s.resource_id) as "resourceName", s.indexed_at as "indexedAt",
  s.verified_at as "verifiedAt", s.verify_report as "verifyReport",
  (select jsonb_agg(jsonb_build_object('id', p.id, 'name', p.name) order by c.indexed_at, p.id)
   from backup_set c join pool p on p.id = c.pool_id where c.id = s.id) as pools`;

/**
 * Indexes a committed set in its pool; told again it stays as it is (the pool is truth, design §5). One that a plan has deleted
 * meanwhile does not come back: who tells of it had read its metadata before. A rebuild that began after that read it later:
 * somebody has put it back.
 */
export function indexSet(db: Database, set: SetSummary, pool: PoolId, teller?: RunId): Promise<void> {
  return db.transaction(async (inside) => {
    if (teller !== undefined) await forgetUndone(inside, { setId: set.setId, pool, teller });
    const serverMajor = Math.floor(set.serverVersion / 10_000);
    await ensureResource(inside, { id: set.resourceId, engine: set.engine, systemId: set.systemId, serverMajor });
    const added = await inside.change(
      `insert into backup_set (id, run_id, pool_id, resource_id, system_id, summary, ended_at)
       select $1, $2, $3, $4, $5, $6, $7 where not exists
         (select 1 from deletion where kind = 'set' and object = $1 and pool_id = $3 and state in ('removed', 'done'))
       on conflict (id, pool_id) do nothing`,
      [set.setId, set.runId, pool, set.resourceId, set.systemId, JSON.stringify(set), set.endedAt],
    );
    if (added > 0 && set.base !== undefined) await noteRenewedLocks(inside, set.base.setId, pool);
  });
}

/**
 * In an immutable pool the commit of a set renewed the protection of all it builds on, to between one and two days beyond its own
 * (agent/sets/renew-protection.ts): the later end is noted.
 */
const noteRenewedLocks = (db: Database, base: SetId, pool: PoolId): Promise<number> =>
  db.change(
    `with recursive below (id) as (
       select $1::text
       union select s.summary->'base'->>'setId' from backup_set s join below b on s.id = b.id where s.pool_id = $2
     )
     update backup_set s set locked_until = greatest(s.locked_until, now() + make_interval(days => (p.place->>'immutableDays')::int + 2))
     from pool p where p.id = $2 and p.place ? 'immutableDays' and s.pool_id = $2 and s.id in (select id from below)`,
    [base, pool],
  );

/** A set in the pool that is named, else in the one where it was known first. Throws `set_unknown`. */
export async function getSet(db: Database, id: SetId, pool?: PoolId): Promise<SetRow> {
  const rows = await db.rows(
    setShape,
    `select ${columns} from backup_set s where s.id = $1 and ($2::text is null or s.pool_id = $2)
     order by s.indexed_at, s.pool_id limit 1`,
    [id, pool ?? null],
  );
  const set = rows[0];
  if (set === undefined) throw fail('set_unknown', { set: id });
  return set;
}

export const hasSet = async (db: Database, id: SetId): Promise<boolean> =>
  (await db.rows(z.object({ id: z.string() }), 'select id from backup_set where id = $1 limit 1', [id])).length > 0;

export interface SetFilter {
  readonly resource?: ResourceId;
  /** `incremental`: every set that is no full. */
  readonly type?: SetType | 'incremental';
  readonly pool?: PoolId;
}

/** Newest first, each once: in the pool that is asked for, else in the one where it was known first. */
export async function listSets(db: Database, page: PageRequest, filter: SetFilter = {}): Promise<Page<SetRow>> {
  const rows = await db.rows(
    setShape,
    `select distinct on (s.id) ${columns} from backup_set s where ($1::text is null or s.id < $1)
       and ($2::text is null or s.resource_id = $2) and ($3::text is null or s.type = $3 or ($3 = 'incremental' and s.type <> 'full'))
       and ($4::text is null or s.pool_id = $4) order by s.id desc, s.indexed_at, s.pool_id limit $5`,
    [page.after ?? null, filter.resource ?? null, filter.type ?? null, filter.pool ?? null, page.limit + 1],
  );
  return pageOf(rows, page.limit);
}

/** Every set of one database in every pool, by id; of copies of one set the one known first comes last. */
export const setsOfDatabase = (db: Database, systemId: string): Promise<SetRow[]> =>
  db.rows(
    setShape,
    `select ${columns} from backup_set s where s.system_id = $1 order by s.id, s.indexed_at desc, s.pool_id`,
    [systemId],
  );

/** A full and everything that builds on it, in one pool. */
export const setsOfFull = (db: Database, full: SetId, pool: PoolId): Promise<SetRow[]> =>
  db.rows(setShape, `select ${columns} from backup_set s where s.full_set_id = $1 and s.pool_id = $2 order by s.id`, [
    full,
    pool,
  ]);

/** A set as it lies in one pool. */
export interface SetInPool {
  readonly id: SetId;
  readonly poolId: PoolId;
}
