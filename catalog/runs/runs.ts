import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { HostId, JobId, ResourceId, RunId, SetId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import type { RunOutcome } from '#core/ports/run-book.ts';
import type { RunState } from '#core/run/run-state.ts';
import { canMove, isFinal } from '#core/run/run-state.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { jobSpecShape } from '#core/settings/job-spec.ts';
import { runStateShape } from '#core/settings/shape/progress.ts';
import { runOutcomeShape } from '#core/settings/shape/outcome.ts';
import { countShape, idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import type { Page, PageRequest } from '#catalog/page.ts';
import { pageOf } from '#catalog/page.ts';
import { jsonText, storableText } from '#core/text.ts';

export const runShape = z.object({
  id: idShape('run'),
  jobId: idShape('job'),
  /** As it is now; of a run that was started by hand, the words for what it does. */
  jobName: z.string(),
  revision: countShape,
  kind: z.enum([
    'full-backup',
    'incremental-backup',
    'log-backup',
    'log-stream',
    'restore',
    'verify-set',
    'merge-set',
    'extract-set',
    'log-restore',
    'drill',
    'database-recovery',
    'logical-restore',
    'settle-transfer',
    'rebuild',
    'care',
    'pool-copy',
    'logical-backup',
    'logical-care',
    'no-op',
  ]),
  hostId: idShape('host'),
  resourceId: idShape('res').nullable(),
  /** Names as they are now; no resource in runs of a host or a pool alone. */
  hostName: z.string().nullable(),
  resourceName: z.string().nullable(),
  trigger: z.enum(['manual', 'schedule', 'retry']),
  state: runStateShape,
  outcome: runOutcomeShape.nullable(),
  /** Reserved when a run that makes a set begins. */
  setId: idShape('set').nullable(),
  /** The set is whole and in the catalog, however the run ended. */
  hasSet: z.boolean(),
  startedBy: z.string(),
  createdAt: instantShape,
  beganAt: instantShape.nullable(),
  closedAt: instantShape.nullable(),
});
export type RunRow = z.output<typeof runShape>;

const columns = `id, job_id as "jobId", (select name from job j where j.id = run.job_id) as "jobName", revision, kind, host_id as "hostId", resource_id as "resourceId",
  (select name from host h where h.id = run.host_id) as "hostName",
  (select name from resource r where r.id = run.resource_id) as "resourceName", trigger, state, outcome,
  set_id as "setId", (exists (select 1 from backup_set s where s.id = run.set_id)
    or exists (select 1 from logical_set l where l.id = run.set_id)) as "hasSet", started_by as "startedBy", created_at as "createdAt", began_at as "beganAt", closed_at as "closedAt"`;

export interface NewRun {
  readonly id: RunId;
  readonly jobId: JobId;
  readonly spec: JobSpec;
  readonly hostId: HostId;
  readonly resourceId?: ResourceId;
  readonly setId?: SetId;
  readonly startedBy: string;
  /** 1 when absent. */
  readonly revision?: number;
  /** The time of its plan that it belongs to; absent for a run that was started by hand. */
  readonly scheduledFor?: Instant;
}

/** Records a run as queued; its job revision exists already. */
export async function addRun(db: Database, run: NewRun): Promise<void> {
  const { scheduledFor } = run;
  await db.change(
    `insert into run (id, job_id, revision, kind, host_id, resource_id, trigger, state, set_id, started_by, scheduled_for)
     values ($1, $2, $8, $3, $4, $5, $9, 'queued', $6, $7, $10)`,
    [
      ...[run.id, run.jobId, run.spec.kind, run.hostId, run.resourceId ?? null, run.setId ?? null, run.startedBy],
      ...[run.revision ?? 1, scheduledFor === undefined ? 'manual' : 'schedule', scheduledFor ?? null],
    ],
  );
}

export async function findRun(db: Database, id: RunId): Promise<RunRow | undefined> {
  return (await db.rows(runShape, `select ${columns} from run where id = $1`, [id]))[0];
}

/** The run of a job for a time of its plan. */
export async function runOfSchedule(db: Database, job: JobId, at: Instant): Promise<RunRow | undefined> {
  return (await db.rows(runShape, `select ${columns} from run where job_id = $1 and scheduled_for = $2`, [job, at]))[0];
}

/** Throws `run_unknown`. */
export async function getRun(db: Database, id: RunId): Promise<RunRow> {
  const run = await findRun(db, id);
  if (run === undefined) throw fail('run_unknown', { run: id });
  return run;
}

export interface RunFilter {
  readonly state?: RunState;
  readonly resourceId?: ResourceId;
}

/** Newest first. */
export async function listRuns(db: Database, page: PageRequest, filter: RunFilter = {}): Promise<Page<RunRow>> {
  const rows = await db.rows(
    runShape,
    `select ${columns} from run where ($1::text is null or id < $1) and ($2::text is null or state = $2)
       and ($3::text is null or resource_id = $3) order by id desc limit $4`,
    [page.after ?? null, filter.state ?? null, filter.resourceId ?? null, page.limit + 1],
  );
  return pageOf(rows, page.limit);
}

/** Runs that were recorded but may never have reached Temporal: the API starts them again when it starts. */
export const queuedRuns = (db: Database): Promise<RunRow[]> =>
  db.rows(runShape, `select ${columns} from run where state = 'queued' order by id`);

/** Runs that are not over. */
export const openRuns = (db: Database): Promise<RunRow[]> =>
  db.rows(runShape, `select ${columns} from run where state in ('queued', 'running', 'paused') order by id`);

/** The catalog rebuild that a host works on now; at most one by the rule of `POST /pools/{pool}/rebuild`. */
export async function openRebuildOf(db: Database, host: HostId): Promise<RunRow | undefined> {
  const rows = await db.rows(
    runShape,
    `select ${columns} from run where host_id = $1 and kind = 'rebuild' and state in ('queued', 'running', 'paused') order by id`,
    [host],
  );
  return rows[0];
}

/** The merge by which a host makes a set now. */
export async function openMergeOf(db: Database, host: HostId, set: SetId): Promise<RunRow | undefined> {
  const rows = await db.rows(
    runShape,
    `select ${columns} from run where host_id = $1 and set_id = $2 and kind = 'merge-set' and state in ('queued', 'running', 'paused')`,
    [host, set],
  );
  return rows[0];
}

/** What a run does: the spec of its job revision. Throws `run_unknown`. */
export async function specOfRun(db: Database, id: RunId): Promise<JobSpec> {
  const rows = await db.rows(
    z.object({ spec: jobSpecShape }),
    `select v.spec from job_revision v join run r on r.job_id = v.job_id and r.revision = v.n where r.id = $1`,
    [id],
  );
  const spec = rows[0]?.spec;
  if (spec === undefined) throw fail('run_unknown', { run: id });
  return spec;
}

const makesSet: ReadonlySet<RunRow['kind']> = new Set([
  'full-backup',
  'incremental-backup',
  'logical-backup',
  'merge-set',
] as const);

/** A set that was committed although its run did not end well is a good set: that is said, by whoever comes last. */
const besideText = (set: string): string =>
  `set ${set} is whole and in the catalog all the same: it was committed before the run ended, and counts as any other`;

/** What the log of a run says when it closes beside a set that was committed. */
const besideLines = ({ kind, setId, hasSet }: RunRow, state: RunState): readonly NewRunEvent[] =>
  setId !== null && hasSet && makesSet.has(kind) && (state === 'failed' || state === 'cancelled')
    ? [{ level: 'warn', message: besideText(setId) }]
    : [];

/** The same when the set comes to the catalog after its run has closed. Nothing when it is known already. */
export async function tellOfLateSet(db: Database, id: RunId): Promise<void> {
  const run = await findRun(db, id);
  if (run === undefined || run.hasSet || !isFinal(run.state) || run.setId === null) return;
  await addRunEvents(db, id, besideLines({ ...run, hasSet: true }, run.state));
}

/** Moves a run; a move that already happened is fine. Throws `run_state_conflict`, `run_unknown`. */
export function moveRun(db: Database, id: RunId, state: RunState, outcome?: RunOutcome): Promise<void> {
  return db.transaction(async (inside) => {
    await inside.change('select 1 from run where id = $1 for update', [id]);
    const run = await getRun(inside, id);
    if (run.state === state) return;
    // Why: a run may end before its first step told that it began; the end is what counts.
    const isAllowed = canMove(run.state, state) || (run.state === 'queued' && canMove('running', state));
    if (!isAllowed) throw fail('run_state_conflict', { run: id, state: run.state, wanted: state });
    await inside.change(
      `update run set state = $2, outcome = coalesce($3, outcome),
         began_at = case when $4 then began_at else coalesce(began_at, now()) end,
         closed_at = case when $4 then now() end where id = $1`,
      [id, state, outcome === undefined ? null : jsonText(outcome), isFinal(state)],
    );
    await addRunEvents(inside, id, [wordsOf(state, outcome), ...besideLines(run, state)]);
  });
}

/** The line that a move leaves in the log of the run: with the reason when it did not end well. */
function wordsOf(state: RunState, outcome: RunOutcome | undefined): NewRunEvent {
  if (outcome === undefined || outcome.state === 'succeeded') return { level: 'info', message: `run is ${state}` };
  if (outcome.state === 'warned') {
    const details = outcome.warnings.map((warning) => `${warning.code}: ${warning.detail}`).join('; ');
    return { level: 'warn', message: `run succeeded with warnings: ${details}` };
  }
  return {
    level: state === 'failed' ? 'error' : 'warn',
    message: `run is ${state}: ${outcome.message} (${outcome.code})`,
  };
}

export interface NewRunEvent {
  /** Time on the host; the catalog's own time when absent. */
  readonly at?: string;
  readonly level: string;
  readonly message: string;
}

/** Appends lines to the log of a run. Writers take turns, so that who follows the log by its numbers misses no line. */
export async function addRunEvents(db: Database, id: RunId, events: readonly NewRunEvent[]): Promise<void> {
  if (events.length === 0) return;
  await db.change(
    `with written as (select id from run where id = $1 for no key update)
     insert into run_event (run_id, at, level, message)
     select written.id, coalesce(at, now()), level, message
     from written, unnest($2::timestamptz[], $3::text[], $4::text[]) with ordinality as e (at, level, message, n) order by n`,
    [id, events.map((e) => e.at ?? null), events.map((e) => e.level), events.map((e) => storableText(e.message))],
  );
}

export const runEventShape = z.object({ seq: countShape, at: instantShape, level: z.string(), message: z.string() });
export type RunEvent = z.output<typeof runEventShape>;

/** Lines of a run after a sequence number, oldest first. */
export const runEventsAfter = (db: Database, id: RunId, after: number, limit: number): Promise<RunEvent[]> =>
  db.rows(
    runEventShape,
    'select seq, at, level, message from run_event where run_id = $1 and seq > $2 order by seq limit $3',
    [id, after, limit],
  );

/** When each full or incremental backup that still runs or waits was recorded, for one resource. */
export async function openBackupsSince(db: Database, resource: ResourceId): Promise<{ readonly createdAt: string }[]> {
  return db.rows(
    z.object({ createdAt: instantShape }),
    `select created_at as "createdAt" from run
     where resource_id = $1 and kind in ('full-backup', 'incremental-backup') and state in ('queued', 'running', 'paused') order by created_at`,
    [resource],
  );
}
