import { z } from 'zod';
import type { ScrubTask } from '#core/care/care-task.ts';
import type { ScrubNext, ScrubTold } from '#core/care/verification.ts';
import { newFindings, verdictAfter, verdictAfterScrub, withoutDamage } from '#core/care/verification.ts';
import type { PoolId, ResourceId, RunId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import { batchSummaryShape } from '#core/settings/shape/committed.ts';
import { verifyReportShape } from '#core/settings/shape/reports.ts';
import { scrubCandidateShape } from '#core/settings/shape/scrub.ts';
import { countShape, idShape } from '#core/settings/shape/words.ts';
import type { SetInPool } from '#catalog/backup-sets.ts';
import type { Database } from '#catalog/database.ts';
import { batchesOf } from '#catalog/log-batches.ts';
import type { NewRunEvent } from '#catalog/runs/runs.ts';
import { addRunEvents } from '#catalog/runs/runs.ts';
import { jsonText } from '#core/text.ts';

const reportRow = z.object({ report: verifyReportShape.nullable() });
const damaged = (column: string): string => `coalesce(jsonb_array_length(${column} -> 'damage'), 0) > 0`;

/** Keeps what a look at a set found; a look that was not deep enough does not take earlier damage back. */
export const storeVerify = (db: Database, set: SetInPool, report: VerifyReport): Promise<void> =>
  storeLook(db, set, { report, judge: verdictAfter });

interface LookAtSet {
  readonly report: VerifyReport;
  readonly judge: typeof verdictAfter;
}

function storeLook(db: Database, { id, poolId }: SetInPool, { report, judge }: LookAtSet): Promise<void> {
  return db.transaction(async (inside) => {
    const [row] = await inside.rows(
      reportRow,
      'select verify_report as report from backup_set where id = $1 and pool_id = $2 for update',
      [id, poolId],
    );
    const verdict = judge(row?.report ?? undefined, report);
    await inside.change(
      `update backup_set set verified_at = now(), verify_report = $3, next_piece = case when $4 then next_piece else 0 end,
         checked_at = case when $4 then checked_at else now() end where id = $1 and pool_id = $2`,
      [id, poolId, jsonText(verdict), report.depth === 'quick'],
    );
  });
}

/** A set or batch in the order in which a scrub looks at it. */
export type ScrubCandidate = z.output<typeof scrubCandidateShape>;

export interface ScrubScope {
  readonly poolId: PoolId;
  readonly resourceId?: ResourceId | undefined;
  /** What this run has looked at is left out. */
  readonly runId?: RunId;
  /** Only the first ones; absent: all. */
  readonly limit?: number;
  /** How deep it looks: sets of which earlier portions were read less deep are begun anew. */
  readonly depth?: ScrubTask['depth'];
}

const words = (column: string): string =>
  `case when ${damaged(column)} then concat_ws(': ', ${column} -> 'damage' -> 0 ->> 'object', ${column} -> 'damage' -> 0 ->> 'what') end`;

/**
 * What a scrub was in the middle of, then what nobody has looked at for longest, with the words of known damage. Log that is damaged
 * has its turn like sound log, or a budget would never get to it; sets that are damaged come last. Sizes are read of what is picked
 * only: the summary of a batch may be large.
 */
export const scrubCandidates = (
  db: Database,
  { poolId, resourceId, runId, limit, depth }: ScrubScope,
): Promise<ScrubCandidate[]> =>
  db.rows(
    scrubCandidateShape,
    `with everything as (
       select 'set' as kind, id, resource_id, checked_at as checked,
         case when $5 = 'page' and next_depth is distinct from 'page' then 0 else next_piece end as piece,
         coalesce(checked_at, ended_at) as since, ${words('verify_report')} as damage
       from backup_set where pool_id = $1
       union all
       select 'batch', id, resource_id, checked_at, 0, coalesce(checked_at, indexed_at), ${words('verify_report')}
       from log_batch where pool_id = $1
     ), picked as (
       select c.*, row_number() over (order by damage is not null and kind = 'set', piece > 0 desc, since, id) as place from everything c
       where ($2::text is null or resource_id = $2)
         and not exists (select 1 from verification v where v.run_id = $3 and v.kind = c.kind and v.object = c.id)
       order by place limit $4
     )
     select kind, id, resource_id as "resourceId", piece as "nextPiece", checked as "checkedAt", since, damage,
       case kind when 'set' then
         (select (s.summary ->> 'storedBytes')::bigint from backup_set s where s.id = p.id and s.pool_id = $1)
       else
         (select coalesce(sum((e ->> 'storedBytes')::bigint), 0)::bigint
          from log_batch b, jsonb_array_elements(b.summary -> 'segments') e where b.id = p.id and b.pool_id = $1)
       end as "storedBytes"
     from picked p order by place`,
    [poolId, resourceId ?? null, runId ?? null, limit ?? null, depth ?? null],
  );

const totalsShape = z.object({
  ...{ sets: countShape, batches: countShape, bytes: countShape, damaged: countShape },
  first: z.object({ object: z.string(), what: z.string() }).nullable(),
});

/** What a scrub did so far, over all of its attempts. */
export async function scrubTotals(
  db: Database,
  runId: RunId,
): Promise<Omit<Extract<ScrubNext, { next: 'nothing' }>, 'next'>> {
  const [row] = await db.rows(
    totalsShape,
    `select count(*) filter (where kind = 'set')::int as sets, count(*) filter (where kind = 'batch')::int as batches,
       coalesce(sum(bytes), 0)::bigint as bytes, count(*) filter (where damage > 0)::int as damaged,
       (select f.finding from verification f where f.run_id = $1 and f.damage > 0 order by f.at, f.object limit 1) as first
     from verification where run_id = $1`,
    [runId],
  );
  if (row === undefined) return { sets: 0, batches: 0, bytes: 0, damaged: 0 };
  const { first, ...counts } = row;
  return { ...counts, ...(first === null ? {} : { first }) };
}

/** A batch by its id in a pool; undefined when it is not there. */
export async function batchInPool(db: Database, id: string, pool: PoolId): Promise<BatchSummary | undefined> {
  const rows = await db.rows(
    z.object({ summary: batchSummaryShape }),
    'select summary from log_batch where id = $1 and pool_id = $2',
    [id, pool],
  );
  return rows[0]?.summary;
}

interface Teller {
  readonly runId: RunId;
  readonly poolId: PoolId;
}

/**
 * Keeps what a scrub found, and answers how many findings were not known before this run; told again, nothing changes any more. Log
 * that was known to be damaged and is whole now is in use again: the log of the run says so.
 */
export function storeScrubbed(db: Database, { runId, poolId }: Teller, told: ScrubTold): Promise<number> {
  const object = told.kind === 'set' ? told.setId : told.batchId;
  const { report } = told;
  return db.transaction(async (inside) => {
    const before = told.kind === 'batch' ? await batchReport(inside, { id: told.batchId, poolId }) : undefined;
    const found = newFindings(before, report);
    const added = await inside.change(
      `insert into verification (run_id, pool_id, kind, object, bytes, damage, finding) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict do nothing`,
      [
        runId,
        poolId,
        told.kind,
        object,
        report.bytes,
        found.count,
        found.first === undefined ? null : jsonText(found.first),
      ],
    );
    if (added === 0) return damageTold(inside, runId, object);
    if (told.kind === 'batch') await storeBatchReport(inside, { id: told.batchId, poolId }, report);
    else await storePortion(inside, poolId, told);
    if (isDamaged(before) && !isDamaged(report)) await addRunEvents(inside, runId, [wholeAgain(object)]);
    return found.count;
  });
}

const wholeAgain = (batchId: string): NewRunEvent => ({
  level: 'info',
  message: `log batch ${batchId} was found damaged before and is whole again: its log is in use`,
});

const isDamaged = (report: VerifyReport | undefined): boolean => report !== undefined && report.damage.length > 0;

async function storePortion(
  db: Database,
  poolId: PoolId,
  { setId, report, nextPiece }: Extract<ScrubTold, { kind: 'set' }>,
): Promise<void> {
  if (nextPiece === undefined || isDamaged(report))
    await storeLook(db, { id: setId, poolId }, { report, judge: verdictAfterScrub });
  if (nextPiece !== undefined)
    await db.change('update backup_set set next_piece = $3, next_depth = $4 where id = $1 and pool_id = $2', [
      ...[setId, poolId, nextPiece, report.depth ?? 'full'],
    ]);
}

interface BatchInPool {
  readonly id: string;
  readonly poolId: PoolId;
}

async function batchReport(db: Database, { id, poolId }: BatchInPool): Promise<VerifyReport | undefined> {
  const [row] = await db.rows(
    reportRow,
    'select verify_report as report from log_batch where id = $1 and pool_id = $2 for update',
    [id, poolId],
  );
  return row?.report ?? undefined;
}

async function damageTold(db: Database, runId: RunId, object: string): Promise<number> {
  const [row] = await db.rows(
    z.object({ damage: countShape }),
    'select damage from verification where run_id = $1 and object = $2',
    [runId, object],
  );
  return row?.damage ?? 0;
}

const storeBatchReport = (db: Database, { id, poolId }: BatchInPool, report: VerifyReport): Promise<number> =>
  db.change('update log_batch set checked_at = now(), verify_report = $3 where id = $1 and pool_id = $2', [
    ...[id, poolId, jsonText(report)],
  ]);

/** The full backup that was started because of what a run found in an object; undefined when none was. */
export async function newFullFor(db: Database, runId: RunId, object: string): Promise<string | undefined> {
  const rows = await db.rows(
    z.object({ run: z.string().nullable() }),
    'select new_full_run as run from verification where run_id = $1 and object = $2',
    [runId, object],
  );
  return rows[0]?.run ?? undefined;
}

interface NewFull {
  readonly runId: RunId;
  readonly object: string;
  readonly full: RunId;
}

export const recordNewFull = (db: Database, { runId, object, full }: NewFull): Promise<number> =>
  db.change('update verification set new_full_run = $3 where run_id = $1 and object = $2', [runId, object, full]);

/** A full backup of a resource into a pool that has not ended. */
export async function openFullOf(db: Database, resource: ResourceId, pool: PoolId): Promise<RunId | undefined> {
  const rows = await db.rows(
    z.object({ id: idShape('run') }),
    `select r.id from run r join job_revision v on v.job_id = r.job_id and v.n = r.revision
     where r.resource_id = $1 and r.kind = 'full-backup' and r.state in ('queued', 'running', 'paused')
       and v.spec ->> 'poolId' = $2 limit 1`,
    [resource, pool],
  );
  return rows[0]?.id;
}

/** Batches of a database in a pool, without the segments that a scrub found damaged: what may be planned with. */
export async function soundBatchesOf(db: Database, systemId: string, pool: PoolId): Promise<BatchSummary[]> {
  const damagedLog = await damagedLogOf(db, systemId, pool);
  return (await batchesOf(db, systemId, pool)).map((batch) => withoutDamage(batch, damagedLog));
}

/** Keys of objects of log that a scrub found damaged. */
export async function damagedLogOf(db: Database, systemId: string, pool: PoolId): Promise<ReadonlySet<string>> {
  const rows = await db.rows(
    z.object({ object: z.string() }),
    `select f ->> 'object' as object from log_batch b, jsonb_array_elements(b.verify_report -> 'damage') f
     where b.system_id = $1 and b.pool_id = $2 and b.verify_report is not null`,
    [systemId, pool],
  );
  return new Set(rows.map(({ object }) => object));
}

/** Leases of a run, given back before it has ended: a scrub holds only what it reads now. */
export async function releaseLeases(db: Database, runId: RunId): Promise<void> {
  await db.change('delete from set_lease where run_id = $1', [runId]);
  await db.change('delete from log_lease where run_id = $1', [runId]);
}
