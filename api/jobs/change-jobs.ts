import { keepRun } from '#catalog/runs/idempotency-keys.ts';
import { demandLoginFor, openJobRun } from '#catalog/runs/job-runs.ts';
import type { JobContent, KeptJob } from '#catalog/jobs.ts';
import { deleteJob, enableJob, getKeptJob, keepJob, reviseJob } from '#catalog/jobs.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { demand } from '#core/access/permission.ts';
import { fail } from '#core/errors/fail.ts';
import { demandSensible } from '#core/plan/check-plan.ts';
import type { Plan } from '#core/plan/plan.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { jobSpecShape } from '#core/settings/job-spec.ts';
import type { PlanBody } from '#core/settings/plan.ts';
import { planOf } from '#core/settings/plan.ts';
import type { Context } from '../context.ts';
import { keyOfRequest } from '#api/http/idempotency.ts';
import type { Caller } from '#api/http/route.ts';
import { nameOf } from '../routes/words.ts';
import type { ScheduleState } from '../schedules/keep-schedules.ts';
import { dropSchedule, putSchedule } from '../schedules/keep-schedules.ts';
import { demandNotReplaced } from '#api/starts/replaced.ts';
import { handToTemporal } from '#api/starts/start-run.ts';
import type { JobKind, Work } from './job-kind.ts';
import { kindOfWork } from './job-kinds.ts';

export interface ChangedJob {
  readonly job: KeptJob;
  readonly schedule: ScheduleState;
  /** Of an immediate plan (K-051). */
  readonly run?: RunRow;
}

type AskedWork = Readonly<Record<string, unknown>>;

export interface NewJob {
  readonly name: string;
  readonly plan: PlanBody;
  readonly work: AskedWork;
  readonly isEnabled: boolean;
}

/** Checks all of a new job without saving it. Throws `plan_bad`, `plan_unfit`, `plan_over`, `plan_never` and what its work is refused with. */
export async function prepareJob(context: Context, asked: NewJob, caller: Caller): Promise<JobContent> {
  const kind = kindOfWork(asked.work);
  demandRight(kind, caller);
  kind.demandKnown(asked.work);
  const plan = sensible(context, kind, asked.plan);
  return contentOf(asked.name, { plan, work: await kind.prepare(context, asked.work) }, caller);
}

/** Saves what `prepareJob` made, then brings its schedule in step and starts an immediate one. Throws `name_taken`. */
export async function saveJob(
  context: Context,
  content: JobContent,
  isEnabled: boolean,
  caller: Caller,
): Promise<ChangedJob> {
  const id = context.ids('job');
  await context.catalog.transaction((db) => keepJob(db, id, content, isEnabled));
  const job = await getKeptJob(context.catalog, id);
  const schedule = await putSchedule(context, job);
  if (job.plan.type !== 'immediate') return { job, schedule };
  return { job, schedule, run: await startJob(context, job, caller, { isAnswer: false }) };
}

/** Saves several jobs or, when one of their names is taken, none of them. */
export async function saveJobs(context: Context, contents: readonly JobContent[]): Promise<ChangedJob[]> {
  const named = contents.map((content) => ({ id: context.ids('job'), content }));
  await context.catalog.transaction(async (db) => {
    for (const { id, content } of named) await keepJob(db, id, content, true);
  });
  const jobs = await Promise.all(named.map(({ id }) => getKeptJob(context.catalog, id)));
  return Promise.all(jobs.map(async (job) => ({ job, schedule: await putSchedule(context, job) })));
}

export interface JobEdit {
  readonly revision: number;
  readonly name?: string | undefined;
  readonly plan?: PlanBody | undefined;
  readonly work?: AskedWork | undefined;
}

/** Adds a revision; what is absent stays. Runs under way keep theirs. Throws `job_changed`. */
export async function editJob(context: Context, job: KeptJob, edit: JobEdit, caller: Caller): Promise<ChangedJob> {
  const work = edit.work ?? job.work ?? {};
  const kind = kindOfWork(work);
  demandRight(kind, caller);
  if (edit.work !== undefined) kind.demandKnown(edit.work);
  const isImmediate = edit.plan?.type === 'immediate';
  if (isImmediate)
    throw fail('plan_bad', {
      part: 'plan',
      what: `job ${job.name} exists; start it with \`holdfast job start ${job.name}\``,
    });
  const plan = edit.plan === undefined ? job.plan : sensible(context, kind, edit.plan);
  const name = edit.name ?? job.name;
  const content = contentOf(name, { plan, work: await kind.prepare(context, work) }, caller);
  await context.catalog.transaction((db) => reviseJob(db, job.id, edit.revision, content));
  return inStep(context, job);
}

/** Throws `job_not_cloned`, `name_taken`. The clone is disabled, so that nothing runs twice before somebody looked at it. */
export async function cloneJob(context: Context, job: KeptJob, name: string, caller: Caller): Promise<ChangedJob> {
  const kind = kindOfWork(job.work);
  if (!kind.isCloned) throw fail('job_not_cloned', { job: job.name, kind: kind.kind });
  const plan: Plan = job.plan.type === 'immediate' ? { type: 'manual' } : job.plan;
  const content = contentOf(name, { plan, work: await kind.prepare(context, job.work) }, caller);
  return saveJob(context, content, false, caller);
}

export async function setEnabled(context: Context, job: KeptJob, isEnabled: boolean): Promise<ChangedJob> {
  await enableJob(context.catalog, job.id, isEnabled);
  return inStep(context, job);
}

/** Runs under way go on; runs and sets stay. */
export async function removeJob(context: Context, job: KeptJob): Promise<ScheduleState> {
  await deleteJob(context.catalog, job.id);
  return dropSchedule(context, job);
}

/**
 * Starts a job now, whatever its plan says, disabled or not. A restore is planned anew and gets a revision when the new plan
 * differs. Throws `run_not_repeatable`, `resource_not_logged_in`, `resource_detached`, `temporal_unreachable`.
 */
export async function startJob(
  context: Context,
  asked: KeptJob,
  caller: Caller,
  { isAnswer = true } = {},
): Promise<RunRow> {
  const { catalog, ids } = context;
  demandRight(kindOfWork(asked.work), caller);
  await demandNotReplaced(catalog, asked);
  const job = await upToDate(context, asked, caller);
  await demandLoginFor(catalog, job.spec);
  const run = await catalog.transaction(async (db) => {
    const opened = await openJobRun(db, job, ids, { startedBy: nameOf(caller) });
    // Why not always: a repeat of the request that created the job is answered with the job.
    const key = isAnswer ? keyOfRequest() : undefined;
    if (key !== undefined) await keepRun(db, key, opened.id);
    return opened;
  });
  await handToTemporal(context, run.id, run.kind);
  return run;
}

async function upToDate(context: Context, job: KeptJob, caller: Caller): Promise<KeptJob> {
  const kind = kindOfWork(job.work);
  if (!kind.isPreparedAnew) return job;
  const work = await kind.prepare(context, job.work);
  const content = contentOf(job.name, { plan: job.plan, work }, caller);
  // Why parsed: what was read of the catalog has the order of the shape.
  if (JSON.stringify(jobSpecShape.parse(content.spec)) === JSON.stringify(job.spec)) return job;
  await context.catalog.transaction((db) => reviseJob(db, job.id, job.revision, content));
  return getKeptJob(context.catalog, job.id);
}

async function inStep(context: Context, { id }: KeptJob): Promise<ChangedJob> {
  const job = await getKeptJob(context.catalog, id);
  return { job, schedule: await putSchedule(context, job) };
}

function demandRight({ permission }: JobKind, caller: Caller): void {
  if (caller.kind === 'token') demand(caller.role, permission);
}

function sensible({ clock }: Context, { kind, plans }: JobKind, body: PlanBody): Plan {
  if (!plans.includes(body.type)) throw fail('plan_unfit', { kind, plan: body.type, plans: plans.join(', ') });
  const plan = planOf(body, clock.nowMs());
  demandSensible(plan, clock.nowMs());
  return plan;
}

const contentOf = (name: string, { plan, work }: { plan: Plan; work: Work }, caller: Caller): JobContent => ({
  ...{ name, plan, work: work.asked, by: nameOf(caller) },
  spec: { ...work.spec, whenBusy: whenBusyOf(work) },
});

const inLine = new Set<JobSpec['kind']>(['full-backup', 'care', 'pool-copy']);
const refused = new Set<JobSpec['kind']>(['restore', 'log-restore', 'logical-restore', 'database-recovery']);

/** Design §4: a full queues, what comes again soon is skipped, a restore is refused. Who asks for `wait` gets it. */
function whenBusyOf({ spec: { kind }, asked }: Work): JobSpec['whenBusy'] {
  if (asked['whenBusy'] === 'wait' || inLine.has(kind)) return 'wait';
  return refused.has(kind) ? 'refuse' : 'skip';
}
