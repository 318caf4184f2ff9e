import { z } from 'zod';
import type { ClaimVerdict } from '#core/care/care-task.ts';
import { fail } from '#core/errors/fail.ts';
import type { JobId, PoolId, ResourceId, RunId, SetId } from '#core/id.ts';
import type { LogicalSetSummary } from '#core/logical/set-summary.ts';
import { withRecordedParts } from '#core/logical/set-summary.ts';
import { logicalSetSummaryShape } from '#core/settings/shape/logical.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';
import { isOpenSql } from './pools/leases.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';
import { ensureResource } from './resources/resources.ts';

export const logicalSetShape = z.object({
  id: idShape('set'),
  poolId: idShape('pool'),
  poolName: z.string(),
  jobId: idShape('job'),
  resourceId: idShape('res'),
  resourceName: z.string(),
  summary: logicalSetSummaryShape,
  indexedAt: instantShape,
  verifiedAt: instantShape.nullable(),
  /** What the last look found wrong. */
  damage: z.string().nullable(),
});
export type LogicalSetRow = z.output<typeof logicalSetShape>;

const rowShape = logicalSetShape.transform((row): LogicalSetRow => {
  const { summary } = row;
  return { ...row, summary: { ...summary, databases: withRecordedParts(summary.selection, summary.databases) } };
});

const selection = `select s.id, s.pool_id as "poolId", p.name as "poolName", s.job_id as "jobId", s.resource_id as "resourceId",
  r.name as "resourceName", s.summary, s.indexed_at as "indexedAt", s.verified_at as "verifiedAt", s.damage
  from logical_set s join pool p on p.id = s.pool_id join resource r on r.id = s.resource_id`;

/** Indexes a committed logical set; told again it stays as it is. */
export function indexLogicalSet(db: Database, set: LogicalSetSummary, pool: PoolId): Promise<void> {
  return db.transaction(async (inside) => {
    const serverMajor = Math.floor(set.serverVersion / 10_000);
    await ensureResource(inside, { id: set.resourceId, engine: set.engine, systemId: set.systemId, serverMajor });
    await inside.change(
      `insert into logical_set (id, pool_id, run_id, job_id, resource_id, summary, ended_at)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing`,
      [set.setId, pool, set.runId, set.jobId, set.resourceId, JSON.stringify(set), set.endedAt],
    );
  });
}

export const hasLogicalSet = async (db: Database, id: SetId): Promise<boolean> =>
  (await db.rows(z.object({ id: z.string() }), 'select id from logical_set where id = $1', [id])).length > 0;

/** Throws `logical_set_unknown`. */
export async function getLogicalSet(db: Database, id: SetId): Promise<LogicalSetRow> {
  const [set] = await db.rows(rowShape, `${selection} where s.id = $1`, [id]);
  if (set === undefined) throw fail('logical_set_unknown', { set: id });
  return set;
}

export interface LogicalSetFilter {
  readonly resourceId?: ResourceId;
  readonly poolId?: PoolId;
  readonly jobId?: JobId;
}

const filterSql = `($2::text is null or s.resource_id = $2) and ($3::text is null or s.pool_id = $3)
  and ($4::text is null or s.job_id = $4)`;
const filterOf = ({ resourceId, poolId, jobId }: LogicalSetFilter) => [
  resourceId ?? null,
  poolId ?? null,
  jobId ?? null,
];

/** Newest first. */
export async function listLogicalSets(
  db: Database,
  page: PageRequest,
  filter: LogicalSetFilter = {},
): Promise<Page<LogicalSetRow>> {
  const rows = await db.rows(
    rowShape,
    `${selection} where ($1::text is null or s.id < $1) and ${filterSql} order by s.id desc limit $5`,
    [page.after ?? null, ...filterOf(filter), page.limit + 1],
  );
  return pageOf(rows, page.limit);
}

/**
 * Sets behind the newest `keep` sound ones of their pool, oldest first: those that a look found damaged count for nothing. Without a
 * job, sets count only for those of the same selection: an hourly set of one table pushes none of everything out.
 */
export const logicalSetsBeyond = (db: Database, keep: number, filter: LogicalSetFilter): Promise<LogicalSetRow[]> =>
  db.rows(
    rowShape,
    `${selection} where s.id in (select k.id from (select s.id, count(*) filter (where s.damage is null) over (
         partition by s.pool_id, case when $4::text is null then s.summary -> 'selection' end
         order by s.id desc rows between unbounded preceding and 1 preceding) as newer
       from logical_set s where ${filterSql}) k where k.newer >= $1) order by s.id`,
    [keep, ...filterOf(filter)],
  );

/** Kinds of runs that read a logical set; each names it in its job as `setId`, or in `task`. */
const readersOfLogicalSets = ['logical-restore', 'logical-care'];

const holderShape = z.object({ run: z.string() });

/** Throws `logical_set_unknown`, `logical_set_going` when a run deletes it now: to be asked where a reader is recorded. */
export async function demandLogicalUsable(db: Database, id: SetId): Promise<LogicalSetRow> {
  const [holder] = await db.rows(
    holderShape,
    `select r.id as run from logical_set s join run r on r.id = s.removed_by where s.id = $1 and ${isOpenSql}`,
    [id],
  );
  if (holder !== undefined) throw fail('logical_set_going', { set: id, run: holder.run });
  return getLogicalSet(db, id);
}

/** A run that is not over and reads the set. */
export async function readerOfLogicalSet(db: Database, id: SetId, except = ''): Promise<string | undefined> {
  const [reader] = await db.rows(
    holderShape,
    `select r.id as run from run r join job_revision v on v.job_id = r.job_id and v.n = r.revision
     where r.kind = any ($2::text[]) and ${isOpenSql} and r.id <> $3
       and (v.spec ->> 'setId' = $1 or v.spec -> 'task' ->> 'setId' = $1) limit 1`,
    [id, readersOfLogicalSets, except],
  );
  return reader?.run;
}

export interface LogicalClaimant {
  readonly runId: RunId;
  readonly poolId: PoolId;
}

const granted: ClaimVerdict = { verdict: 'granted' };

/** Answers an agent that is about to delete a set: from then on nobody begins to read it. Idempotent by run. */
export function claimLogicalSet(db: Database, { runId, poolId }: LogicalClaimant, id: SetId): Promise<ClaimVerdict> {
  return db.transaction(async (inside) => {
    const count = await inside.change('select 1 from logical_set where id = $1 and pool_id = $2 for update', [
      id,
      poolId,
    ]);
    if (count === 0) return { verdict: 'done' };
    const rebuild = await rebuildOf(inside, poolId);
    if (rebuild !== undefined) return { verdict: 'refused', why: `run ${rebuild} rebuilds the catalog from this pool` };
    const reader = await readerOfLogicalSet(inside, id, runId);
    if (reader !== undefined) return { verdict: 'refused', why: `run ${reader} reads it` };
    await inside.change('update logical_set set removed_by = $2 where id = $1', [id, runId]);
    return granted;
  });
}

async function rebuildOf(db: Database, poolId: PoolId): Promise<string | undefined> {
  const [rebuild] = await db.rows(
    holderShape,
    `select r.id as run from run r join job_revision v on v.job_id = r.job_id and v.n = r.revision
     where r.kind = 'rebuild' and ${isOpenSql} and v.spec ->> 'poolId' = $1 limit 1`,
    [poolId],
  );
  return rebuild?.run;
}

/** What became of a claimed set. A set whose commit point is gone leaves the index at once. Idempotent. */
export async function recordLogicalRemoval(
  db: Database,
  { runId, poolId }: LogicalClaimant,
  told: { readonly setId: SetId; readonly isGone: boolean },
): Promise<void> {
  const which = 'where id = $1 and pool_id = $2 and removed_by = $3';
  const statement = told.isGone
    ? `delete from logical_set ${which}`
    : `update logical_set set removed_by = null ${which}`;
  await db.change(statement, [told.setId, poolId, runId]);
}

/** What reading a set back found. */
export async function recordLogicalVerify(
  db: Database,
  poolId: PoolId,
  told: { readonly setId: SetId; readonly damage: string | null },
): Promise<void> {
  await db.change('update logical_set set verified_at = now(), damage = $3 where id = $1 and pool_id = $2', [
    told.setId,
    poolId,
    told.damage,
  ]);
}
