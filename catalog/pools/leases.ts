import { z } from 'zod';
import type { LogRead, PoolReads } from '#core/care/reads.ts';
import { fail } from '#core/errors/fail.ts';
import type { PoolId, RunId, SetId } from '#core/id.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';

/** Runs whose leases and claims count. Part of an SQL text: `r` is the run. */
export const isOpenSql = `r.state in ('queued', 'running', 'paused')`;

const claimShape = z.object({ object: z.string(), run: z.string() });

/**
 * Notes what a run reads, so that nobody deletes it until the run has ended (design §4 "Leases"). Idempotent; the bases of
 * a set are leased with it. Throws `set_being_deleted`, and `log_being_deleted`, which passes by itself.
 */
export function acquireLeases(db: Database, runId: RunId, reads: readonly PoolReads[]): Promise<void> {
  return db.transaction(async (inside) => {
    for (const { poolId, sets, log } of reads) {
      const chain = await lockChains(inside, poolId, sets);
      await demandNoClaim(inside, { poolId, sets: chain, runId });
      for (const setId of chain)
        await inside.change(
          'insert into set_lease (run_id, pool_id, set_id) values ($1, $2, $3) on conflict do nothing',
          [runId, poolId, setId],
        );
      for (const read of log) await leaseLog(inside, { poolId, runId, read });
    }
  });
}

/** The sets and all they build on, their rows locked: a claim waits until the leases are there, or the other way round. */
export async function lockChains(db: Database, poolId: PoolId, sets: readonly SetId[]): Promise<readonly SetId[]> {
  const rows = await db.rows(
    z.object({ id: idShape('set') }),
    `with recursive chain (id) as (
       select unnest($1::text[]) union
       select s.summary -> 'base' ->> 'setId' from backup_set s join chain c on s.id = c.id and s.pool_id = $2
       where s.summary -> 'base' is not null
     )
     select s.id from backup_set s where s.id in (select id from chain) and s.pool_id = $2 order by s.id for update`,
    [sets, poolId],
  );
  return [...new Set([...sets, ...rows.map(({ id }) => id)])];
}

interface Wanted {
  readonly poolId: PoolId;
  readonly sets: readonly SetId[];
  readonly runId: RunId;
}

/** A set whose commit point is gone stays claimed for good; a claim of a run that ended before is void. */
async function demandNoClaim(db: Database, { poolId, sets, runId }: Wanted): Promise<void> {
  const [claim] = await db.rows(
    claimShape,
    `select d.object, d.run_id as run from deletion d join run r on r.id = d.run_id
     where d.kind = 'set' and d.object = any ($1) and d.pool_id = $2 and d.run_id <> $3
       and (d.state in ('removed', 'done') or (d.state = 'claimed' and ${isOpenSql})) limit 1`,
    [sets, poolId, runId],
  );
  if (claim !== undefined) throw fail('set_being_deleted', { set: claim.object, run: claim.run });
}

/** Run that deletes a set from a pool now; its row is locked, so that a claim cannot come in between. */
export async function claimOnSet(db: Database, setId: SetId, poolId: PoolId): Promise<string | undefined> {
  await db.change('select 1 from backup_set where id = $1 and pool_id = $2 for update', [setId, poolId]);
  const [claim] = await db.rows(
    claimShape,
    `select d.object, d.run_id as run from deletion d join run r on r.id = d.run_id
     where d.kind = 'set' and d.object = $1 and d.pool_id = $2
       and (d.state in ('removed', 'done') or (d.state = 'claimed' and ${isOpenSql})) limit 1`,
    [setId, poolId],
  );
  return claim?.run;
}

/** Whoever leases or claims log of a database in a pool waits for the other's transaction. */
export const lockLog = (db: Database, poolId: PoolId, systemId: string): Promise<number> =>
  db.change('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`log ${poolId} ${systemId}`]);

interface LogLease {
  readonly poolId: PoolId;
  readonly runId: RunId;
  readonly read: LogRead;
}

async function leaseLog(db: Database, { poolId, runId, read }: LogLease): Promise<void> {
  const { systemId, branchId = '', from } = read;
  await lockLog(db, poolId, systemId);
  const [claim] = await db.rows(
    claimShape,
    `select d.object, d.run_id as run from deletion d join run r on r.id = d.run_id
     where d.kind = 'log' and d.object like $1 || '/' || $2 and d.pool_id = $3 and d.run_id <> $4
       and d.state in ('claimed', 'removed') and ${isOpenSql} limit 1`,
    [systemId, branchId === '' ? '%' : branchId, poolId, runId],
  );
  if (claim !== undefined) throw fail('log_being_deleted', { system: systemId, run: claim.run });
  await db.change(
    `insert into log_lease (run_id, pool_id, system_id, branch_id, from_position) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [runId, poolId, systemId, branchId, from],
  );
}
