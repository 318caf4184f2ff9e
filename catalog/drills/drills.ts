import { z } from 'zod';
import type { CanaryExpected } from '#core/drill/drill.ts';
import type { CanaryOfResource } from '#core/drill/canary.ts';
import { canaryImpossible, canaryNotWritten } from '#core/drill/expect-canary.ts';
import type { LastLogBackup } from '#core/drill/expect-canary.ts';
import type { DrillReport, PlannedDrill, SignedReport } from '#core/drill/drill-report.ts';
import type { DrillPolicy } from '#core/drill/proof.ts';
import { unprovenOf } from '#core/drill/proof.ts';
import { fail } from '#core/errors/fail.ts';
import type { PoolId, ResourceId, RunId } from '#core/id.ts';
import { drillReportShape, plannedDrillShape } from '#core/settings/shape/drill.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { keepCopy } from './drilled-copies.ts';
import { addEvent } from '#catalog/notices/events.ts';

/** What a run keeps to over all its attempts; the first plan that is stored counts. */
export const keepPlan = (
  db: Database,
  { runId, resourceId, poolId }: { runId: RunId; resourceId: ResourceId; poolId: PoolId },
  planned: PlannedDrill,
): Promise<number> =>
  db.change(
    'insert into drill (run_id, resource_id, pool_id, plan) values ($1, $2, $3, $4) on conflict (run_id) do nothing',
    [runId, resourceId, poolId, JSON.stringify(planned)],
  );

export async function plannedDrillOf(db: Database, runId: RunId): Promise<PlannedDrill | undefined> {
  const rows = await db.rows(z.object({ plan: plannedDrillShape }), 'select plan from drill where run_id = $1', [
    runId,
  ]);
  return rows[0]?.plan;
}

/** The pool that a drill reads, since it was planned. */
export async function poolOfDrill(db: Database, runId: RunId): Promise<PoolId | undefined> {
  const shape = z.object({ poolId: idShape('pool') });
  const rows = await db.rows(shape, 'select pool_id as "poolId" from drill where run_id = $1', [runId]);
  return rows[0]?.poolId;
}

const signedColumns = `report_text as text, report_sha256 as sha256, signature, public_key as "publicKey"`;
const signedRow = z.object({ text: z.string(), sha256: z.string(), signature: z.string(), publicKey: z.string() });

/** The report of a drill that has ended. */
export async function findReport(db: Database, runId: RunId): Promise<SignedReport | undefined> {
  const rows = await db.rows(
    signedRow,
    `select ${signedColumns} from drill where run_id = $1 and report_text is not null`,
    [runId],
  );
  return rows[0];
}

/** Throws `drill_unknown`. */
export async function getReport(db: Database, runId: RunId): Promise<SignedReport> {
  const found = await findReport(db, runId);
  if (found === undefined) throw fail('drill_unknown', { run: runId });
  return found;
}

export interface MadeReport {
  readonly report: DrillReport;
  readonly signed: SignedReport;
}

/**
 * Stores the report of a drill, chained to the one before it of its resource, and tells of it. One report after the other per
 * resource; told again, the one that is stored stays. Throws `drill_report_closed`.
 */
export function storeReport(
  db: Database,
  { runId, resourceId }: { runId: RunId; resourceId: ResourceId },
  make: (previousSha256: string) => MadeReport,
): Promise<SignedReport> {
  return db.transaction(async (inside) => {
    await inside.change('select 1 from resource where id = $1 for update', [resourceId]);
    const known = await findReport(inside, runId);
    if (known !== undefined) return known;
    const [drill] = await inside.rows(
      z.object({ isClosed: z.boolean() }),
      'select closed_at is not null as "isClosed" from drill where run_id = $1 for update',
      [runId],
    );
    if (drill?.isClosed === true) throw fail('drill_report_closed', { run: runId });
    const [last] = await inside.rows(
      z.object({ sha256: z.string() }),
      `select report_sha256 as sha256 from drill where resource_id = $1 and report_text is not null
       order by finished_at desc, run_id desc limit 1`,
      [resourceId],
    );
    const { report, signed } = make(last?.sha256 ?? '');
    const unproven = unprovenOf(report.checks);
    await inside.change(
      `update drill set is_passed = $2, finished_at = $3, report_text = $4, report_sha256 = $5, signature = $6,
         public_key = $7, unproven = $8 where run_id = $1`,
      [
        ...[runId, report.isPassed, report.finishedAt, signed.text, signed.sha256, signed.signature, signed.publicKey],
        unproven,
      ],
    );
    await keepCopyOf(inside, report);
    const type = report.isPassed ? 'drill.passed' : 'drill.failed';
    const resource = report.resource.name;
    const data = {
      resource,
      rtoSeconds: report.rto.seconds,
      rpoSeconds: report.rpoSeconds ?? null,
      report: signed.sha256,
      unproven,
    };
    await addEvent(inside, { type, key: `drill:${runId}:${type}`, resourceId, runId, data });
    return signed;
  });
}

/**
 * Settles whether a drill has a report: true when one is stored, else none will be. Asked before the place of its target is given back,
 * because a stored report says that the copy stays. Idempotent.
 */
export async function closeReport(db: Database, runId: RunId): Promise<boolean> {
  await db.change('update drill set closed_at = coalesce(closed_at, now()) where run_id = $1 and report_text is null', [
    runId,
  ]);
  return (await findReport(db, runId)) !== undefined;
}

/** A target that was restored holds its source from now on; one that could not be got its own place back. */
async function keepCopyOf(db: Database, report: DrillReport): Promise<void> {
  const {
    target,
    bytesWritten,
    lastTransactionAt,
    coveredUntil,
    plannedAt,
    systemId,
    resource: source,
    runId,
  } = report;
  if (target === undefined || bytesWritten === undefined) return;
  await keepCopy(
    db,
    { resourceId: target.id, systemId, source, runId },
    lastTransactionAt ?? coveredUntil ?? plannedAt,
  );
}

export const drillRowShape = z.object({
  runId: idShape('run'),
  resourceId: idShape('res'),
  resourceName: z.string().nullable(),
  state: z.string(),
  isPassed: z.boolean().nullable(),
  plannedAt: instantShape,
  finishedAt: instantShape.nullable(),
  report: drillReportShape.nullable(),
});
export type DrillRow = z.output<typeof drillRowShape>;

/** A row as it is read. Why the text is parsed here: jsonb refuses what JSON may hold, and one such report would hide all others. */
const storedDrill = drillRowShape.extend({
  report: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(drillReportShape)
    .nullable(),
});

const drillSelect = `select d.run_id as "runId", d.resource_id as "resourceId", s.name as "resourceName", r.state,
  d.is_passed as "isPassed", d.planned_at as "plannedAt", d.finished_at as "finishedAt", d.report_text as report
  from drill d join run r on r.id = d.run_id left join resource s on s.id = d.resource_id`;

/** Newest first. */
export const listDrills = (db: Database, resourceId: ResourceId | undefined, limit: number): Promise<DrillRow[]> =>
  db.rows(
    storedDrill,
    `${drillSelect} where ($1::text is null or d.resource_id = $1) order by d.run_id desc limit $2`,
    [resourceId ?? null, limit],
  );

/** Throws `drill_unknown`. */
export async function getDrill(db: Database, runId: RunId): Promise<DrillRow> {
  const [row] = await db.rows(storedDrill, `${drillSelect} where d.run_id = $1`, [runId]);
  if (row === undefined) throw fail('drill_unknown', { run: runId });
  return row;
}

/** The last drill of a resource that passed, whatever it proved. */
export async function lastPassed(db: Database, resourceId: ResourceId): Promise<DrillRow | undefined> {
  const rows = await db.rows(
    storedDrill,
    `${drillSelect} where d.resource_id = $1 and d.is_passed order by d.finished_at desc limit 1`,
    [resourceId],
  );
  return rows[0];
}

/** The last drill of a resource that passed and left nothing unproven but what its policy accepts. */
export async function lastProven(
  db: Database,
  resourceId: ResourceId,
  { accepted }: Pick<DrillPolicy, 'accepted'>,
): Promise<DrillRow | undefined> {
  const rows = await db.rows(
    storedDrill,
    `${drillSelect} where d.resource_id = $1 and d.is_passed and d.unproven <@ $2 order by d.finished_at desc limit 1`,
    [resourceId, accepted],
  );
  return rows[0];
}

const canaryShape: z.ZodType<CanaryOfResource> = z.object({ database: z.string(), staticTables: z.array(z.string()) });

export async function findCanary(db: Database, resourceId: ResourceId): Promise<CanaryOfResource | undefined> {
  const rows = await db.rows(
    canaryShape,
    'select database, static_tables as "staticTables" from canary where resource_id = $1',
    [resourceId],
  );
  return rows[0];
}

export const storeCanary = (db: Database, resourceId: ResourceId, canary: CanaryOfResource): Promise<number> =>
  db.change(
    `insert into canary (resource_id, database, static_tables) values ($1, $2, $3)
     on conflict (resource_id) do update set database = excluded.database, static_tables = excluded.static_tables`,
    [resourceId, canary.database, JSON.stringify(canary.staticTables)],
  );

export const removeCanary = (db: Database, resourceId: ResourceId): Promise<number> =>
  db.change('delete from canary where resource_id = $1', [resourceId]);

const writtenShape = z.object({ runId: idShape('run'), database: z.string(), seq: z.number(), at: instantShape });

/** The log that is replayed: its canary is looked for. */
export interface ReplayedLog {
  readonly resourceId: ResourceId;
  readonly poolId: PoolId;
  /** Where replay ends. */
  readonly branchId: string;
  readonly to: string;
}

/** The newest canary of a log backup that ended well whose row lies in the log that is replayed. */
export async function lastCanary(
  db: Database,
  { resourceId, poolId, branchId, to }: ReplayedLog,
): Promise<CanaryExpected | undefined> {
  const rows = await db.rows(
    writtenShape,
    `select r.id as "runId", c ->> 'database' as database, (c ->> 'seq')::bigint as seq, (c ->> 'at')::timestamptz as at
     from run r, lateral (select r.outcome -> 'result' -> 'canary' as c) o
     where r.resource_id = $1 and r.kind = 'log-backup' and r.state in ('succeeded', 'warned') and jsonb_typeof(c) = 'object'
       and (c ->> 'lsn')::pg_lsn <= $4::pg_lsn
       and exists (select from log_batch b where b.run_id = r.id and b.pool_id = $2 and b.branch_id = $3
         and (b.summary ->> 'to')::pg_lsn >= (c ->> 'lsn')::pg_lsn)
     order by r.id desc limit 1`,
    [resourceId, poolId, branchId, to],
  );
  return rows[0];
}

const lastLogShape = z.object({
  runId: idShape('run'),
  reason: z.object({ code: z.string(), detail: z.string() }).nullable(),
});

/** The newest log backup that committed log which is replayed, with what it said of its canary. */
export async function lastLogBackup(
  db: Database,
  { resourceId, poolId, branchId, to }: ReplayedLog,
): Promise<LastLogBackup | undefined> {
  const [row] = await db.rows(
    lastLogShape,
    `select r.id as "runId", (select w from jsonb_array_elements(coalesce(r.outcome -> 'warnings', '[]')) w
         where w ->> 'code' = any ($5) limit 1) as reason
     from run r where r.resource_id = $1 and r.kind = 'log-backup' and r.state in ('succeeded', 'warned')
       and exists (select from log_batch b where b.run_id = r.id and b.pool_id = $2 and b.branch_id = $3
         and (b.summary ->> 'from')::pg_lsn < $4::pg_lsn)
     order by r.id desc limit 1`,
    [resourceId, poolId, branchId, to, [canaryNotWritten, canaryImpossible]],
  );
  return row && { runId: row.runId, ...(row.reason === null ? {} : { reason: row.reason }) };
}
