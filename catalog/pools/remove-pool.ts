import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { PoolId } from '#core/id.ts';
import { countShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { isOpenSql } from './leases.ts';
import type { PoolRow } from './pools.ts';
import { getPool } from './pools.ts';

/** What would be missing without the pool, counted. */
const heldSql = [
  ['backup sets', 'select count(*)::int as n from backup_set where pool_id = $1'],
  ['logical sets', 'select count(*)::int as n from logical_set where pool_id = $1'],
  ['log batches', 'select count(*)::int as n from log_batch where pool_id = $1'],
  ['signed reports of drills', 'select count(*)::int as n from drill where pool_id = $1'],
] as const;

/** Notes about sets and log that the pool no longer has. */
const notes = [
  ...['set_mark', 'set_lease', 'log_lease', 'verification', 'deletion', 'deletion_note', 'care_plan'],
  ...['retention_policy', 'resource_log_pool'],
] as const;

/**
 * Takes a pool that holds nothing out of the catalog, with its secrets; what lies at its place is not touched. Throws `pool_not_found`,
 * `pool_holds_data`, `pool_in_use` while a job or an open run names it.
 */
export function removePool(db: Database, named: string): Promise<PoolRow> {
  return db.transaction(async (inside) => {
    const pool = await getPool(inside, named);
    await inside.change('select 1 from pool where id = $1 for update', [pool.id]);
    await demandEmpty(inside, pool);
    await demandUnnamed(inside, pool);
    for (const table of notes) await inside.change(`delete from ${table} where pool_id = $1`, [pool.id]);
    await inside.change('delete from pool where id = $1', [pool.id]);
    return pool;
  });
}

async function demandEmpty(db: Database, { id, name }: PoolRow): Promise<void> {
  const held: string[] = [];
  for (const [what, sql] of heldSql) {
    const [row] = await db.rows(z.object({ n: countShape }), sql, [id]);
    if (row !== undefined && row.n > 0) held.push(`${String(row.n)} ${what}`);
  }
  if (held.length > 0) throw fail('pool_holds_data', { pool: name, held: held.join(', ') });
}

async function demandUnnamed(db: Database, { id, name }: PoolRow): Promise<void> {
  const users = await usersOf(db, id);
  if (users.length > 0) throw fail('pool_in_use', { pool: name, users: users.slice(0, mostNamed).join(', ') });
}

const mostNamed = 5;

/** Jobs that are kept and open runs whose work names the pool, as its own or as the one that is copied to. */
async function usersOf(db: Database, id: PoolId): Promise<readonly string[]> {
  const names = `$1 in (v.spec ->> 'poolId', v.spec ->> 'toPoolId')`;
  const rows = await db.rows(
    z.object({ user: z.string() }),
    `select 'job ' || j.name as user from job j join job_revision v on v.job_id = j.id and v.n = j.current_revision
     where not j.is_adhoc and j.deleted_at is null and ${names}
     union all
     select 'run ' || r.id from run r join job_revision v on v.job_id = r.job_id and v.n = r.revision
     where ${isOpenSql} and ${names} order by 1`,
    [id],
  );
  return rows.map(({ user }) => user);
}
