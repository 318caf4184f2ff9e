import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { idAfter } from '#core/id.ts';
import type { HostId, JobId, ResourceId, RunId, SetId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { instantFromMs } from '#core/instant.ts';
import { isRunTime, lastRunUpTo } from '#core/plan/next-runs.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { JobBook, ScheduledRun } from '#core/ports/job-book.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { demandNoDrill } from '#catalog/drills/target-users.ts';
import type { JobRow } from '#catalog/jobs.ts';
import { getJob, isKept } from '#catalog/jobs.ts';
import type { MissedRun } from './missed-runs.ts';
import { tellMissed } from './missed-runs.ts';
import { addLogPool, getResource, hostOfResource } from '#catalog/resources/resources.ts';
import type { NewRun, RunRow } from './runs.ts';
import { addRun, addRunEvents, getRun, runOfSchedule } from './runs.ts';

type Opening = Pick<NewRun, 'startedBy' | 'scheduledFor'>;

/**
 * Records a run of a job at its current revision. A log job makes its pool a target of the log of its resource (K-080).
 * Throws `resource_unknown`, `resource_detached`, and for a run that a person starts `drill_target_in_use`.
 */
export async function openJobRun(db: Database, job: JobRow, ids: IdSource, opening: Opening): Promise<RunRow> {
  const { spec, revision, id: jobId } = job;
  const resourceId = resourceOfSpec(spec);
  const hostId = await hostOfSpec(db, spec);
  // Why not for a plan: nobody would be told; its run hears it when it begins.
  if (opening.scheduledFor === undefined) await demandNoDrill(db, { spec, hostId });
  if (spec.kind === 'log-backup' || spec.kind === 'log-stream') await addLogPool(db, spec.resourceId, spec.poolId);
  const id = ids('run');
  await addRun(db, {
    ...{ id, jobId, spec, hostId, revision, ...opening },
    ...(resourceId === undefined ? {} : { resourceId }),
    ...(await setOf(db, spec, ids)),
  });
  return getRun(db, id);
}

/** The resource that a run is of, in lists: for a restore the one that is read. */
export function resourceOfSpec(spec: JobSpec): ResourceId | undefined {
  if ('resourceId' in spec) return spec.resourceId;
  return 'sourceId' in spec ? spec.sourceId : undefined;
}

/** The host that is named, else the one that has the resource now. */
async function hostOfSpec(db: Database, spec: JobSpec): Promise<HostId> {
  if ('hostId' in spec) return spec.hostId;
  return hostOfResource(await getResource(db, spec.resourceId));
}

const kindsWithSet = new Set<string>(['full-backup', 'incremental-backup', 'logical-backup']);

/** The id of the set that a run makes: behind all of the resource, whatever the clock did, because ids tell which set is the later one. */
async function setOf(db: Database, spec: JobSpec, ids: IdSource): Promise<{ readonly setId?: SetId }> {
  if (!kindsWithSet.has(spec.kind)) return {};
  const [newest] = await db.rows(
    z.object({ id: idShape('set').nullable() }),
    `select greatest((select max(id) from backup_set where resource_id = $1), (select max(set_id) from run where resource_id = $1)) as id`,
    [resourceOfSpec(spec) ?? null],
  );
  const drawn = ids('set');
  return { setId: newest?.id == null ? drawn : idAfter('set', newest.id, drawn) };
}

/** Jobs as the fire workflow sees them. */
export const openJobBook = (db: Database, ids: IdSource, nowMs: () => number): JobBook => ({
  openScheduled: (jobId, atMs) =>
    db.transaction(async (inside) => {
      await inside.change('select 1 from job where id = $1 for update', [jobId]);
      const job = await getJob(inside, jobId);
      const reason = await reasonAgainst(inside, job, { atMs, nowMs: nowMs() });
      const scheduledFor = instantFromMs(atMs);
      if (reason !== undefined) {
        if (reason.isMissed) await tellMissed(inside, missedOf(job, scheduledFor, reason.text));
        return { verdict: 'nothing', reason: reason.text };
      }
      const known = await runOfSchedule(inside, jobId, scheduledFor);
      if (known !== undefined) return opened(known);
      try {
        return opened(await openJobRun(inside, job, ids, { startedBy: 'schedule', scheduledFor }));
      } catch (error) {
        if (!isForPerson(error)) throw error;
        await tellMissed(inside, missedOf(job, scheduledFor, error.message));
        return { verdict: 'nothing', reason: error.message };
      }
    }),
});

/** Why not thrown: nobody looks at the fire workflow, and asking again changes nothing until a person did. It comes before anything is recorded. */
const isForPerson = (error: unknown): error is HoldfastError =>
  error instanceof HoldfastError && (error.class === 'precondition' || error.class === 'input');

const opened = ({ id, kind }: RunRow): ScheduledRun => ({ verdict: 'opened', runId: id, kind });

/** Why nothing starts. `isMissed`: a run of the plan was due, and none will begin for it. */
interface Reason {
  readonly text: string;
  readonly isMissed: boolean;
}

interface Firing {
  readonly atMs: number;
  readonly nowMs: number;
}

/** Why a schedule that fired starts nothing; undefined when a run is due. A run that exists for this time goes on. */
async function reasonAgainst(db: Database, job: JobRow, { atMs, nowMs }: Firing): Promise<Reason | undefined> {
  if (!isKept(job)) return { text: 'the job is deleted', isMissed: false };
  if (!job.isEnabled) return { text: 'the job is disabled', isMissed: false };
  if (!isRunTime(job.plan, atMs)) return { text: 'the plan has no run at this time', isMissed: false };
  if ((await runOfSchedule(db, job.id, instantFromMs(atMs))) !== undefined) return undefined;
  // Why: after an outage every missed time fires; the last of them is enough.
  if (lastRunUpTo(job.plan, nowMs, atMs) !== undefined) return { text: laterIsDue, isMissed: true };
  const waiting = await waitingRunOf(db, job.id);
  if (waiting === undefined) return undefined;
  const { message } = fail('job_waits_already', { run: waiting });
  await addRunEvents(db, waiting, [{ level: 'warn', message: `${instantFromMs(atMs)}: ${message}` }]);
  return { text: message, isMissed: true };
}

const laterIsDue = 'a later run of the plan is due already';

const missedOf = (job: JobRow, due: Instant, reason: string): MissedRun => ({
  job: { id: job.id, name: job.name, resourceId: resourceOfSpec(job.spec) ?? null },
  ...{ due, reason: reason === laterIsDue ? `${reason}: Temporal or the control worker was away` : reason },
});

/** A run of the job that has not begun. */
async function waitingRunOf(db: Database, id: JobId): Promise<RunId | undefined> {
  const rows = await db.rows(
    z.object({ id: idShape('run') }),
    `select id from run where job_id = $1 and state = 'queued' order by id limit 1`,
    [id],
  );
  return rows[0]?.id;
}

/** Throws `resource_not_logged_in` when a run of this spec needs a login that is not there (K-064, K-067). */
export async function demandLoginFor(db: Database, spec: JobSpec): Promise<void> {
  if (!('resourceId' in spec) || spec.kind === 'log-backup') return;
  if (spec.kind === 'full-backup' && spec.isOffline === true) return;
  const { isLoggedIn, name } = await getResource(db, spec.resourceId);
  if (!isLoggedIn) throw fail('resource_not_logged_in', { resource: name });
}
