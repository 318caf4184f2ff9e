import type { Client, ScheduleOptions, ScheduleUpdateOptions } from '@temporalio/client';
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { KeptJob } from '#catalog/jobs.ts';
import type { JobId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { catchUpMs } from '#core/plan/catch-up.ts';
import { isTimed } from '#core/plan/plan.ts';
import type { Clock } from '#core/ports/clock.ts';
import { controlQueue, fireWorkflow, fireWorkflowId, scheduleIdPrefix } from '#workflows/contract.ts';
import { asked } from '#api/temporal/temporal.ts';
import { nameOfSpec, specOfPlan } from './spec-of-plan.ts';

/** A schedule as a list of the server shows it. */
export interface SeenSchedule {
  /** Undefined: it has our prefix and is of no job. */
  readonly jobId: JobId | undefined;
  readonly scheduleId: string;
  readonly isPaused: boolean;
  /** What `noteOf` wrote, unless somebody else wrote. */
  readonly note: string;
  /** The next times at which it fires, milliseconds since 1970, at most five. */
  readonly nextMs: readonly number[];
}

/** The schedules of jobs in Temporal. Throws `temporal_unreachable`. */
export interface ScheduleDoor {
  /** Makes the schedule of a job what its plan says, whatever it was; a job whose plan has no clock has none. */
  put(job: KeptJob): Promise<void>;
  remove(scheduleId: string): Promise<void>;
  /** Fires for one time of the plan of a job that is over; false when it has no schedule. */
  fire(job: JobId, atMs: number): Promise<boolean>;
  list(): Promise<readonly SeenSchedule[]>;
  idOf(job: JobId): string;
}

const answerMs = 10_000;

export function openScheduleDoor(client: Client, queuePrefix: string, clock: Clock): ScheduleDoor {
  const soon = <T>(ask: () => Promise<T>): Promise<T> =>
    asked(() => client.withDeadline(clock.nowMs() + answerMs, ask));
  const prefix = scheduleIdPrefix(queuePrefix);
  const idOf = (job: JobId): string => `${prefix}${job}`;
  return {
    idOf,
    put: (job) => soon(() => put(client, job, { scheduleId: idOf(job.id), queuePrefix, nowMs: clock.nowMs() })),
    remove: (scheduleId) => soon(() => removed(client, scheduleId)),
    fire: (job, atMs) => soon(() => fired(client, idOf(job), atMs)),
    list: () => soon(() => listed(client, prefix)),
  };
}

interface Place {
  readonly scheduleId: string;
  readonly queuePrefix: string;
  readonly nowMs: number;
}

async function put(client: Client, job: KeptJob, place: Place): Promise<void> {
  const options = optionsOf(job, place);
  if (options === undefined) return removed(client, place.scheduleId);
  try {
    const made = await client.schedule.create(options);
    // Why: times count from the first step of a schedule on. Its answer proves that step, which a server killed before it would make too late.
    await made.describe();
  } catch (cause) {
    if (!(cause instanceof ScheduleAlreadyRunning)) throw cause;
    const { spec, action, policies, state } = options;
    const update: ScheduleUpdateOptions = { spec, action, policies: policies ?? {}, state: state ?? {} };
    await client.schedule.getHandle(place.scheduleId).update(() => update);
  }
}

function optionsOf(job: KeptJob, { scheduleId, queuePrefix, nowMs }: Place): ScheduleOptions | undefined {
  if (!isTimed(job.plan)) return undefined;
  return {
    scheduleId,
    spec: specOfPlan(job.plan, nowMs),
    action: {
      type: 'startWorkflow',
      workflowType: fireWorkflow,
      workflowId: fireWorkflowId(job.id),
      taskQueue: `${queuePrefix}${controlQueue}`,
      args: [{ jobId: job.id, queuePrefix }],
      staticSummary: `fires ${job.id}`,
    },
    // Why all: the lanes decide what meets what, and a full must never be lost to an incremental of the same second.
    policies: {
      overlap: ScheduleOverlapPolicy.ALLOW_ALL,
      catchupWindow: catchUpMs(job.spec.kind),
      pauseOnFailure: false,
    },
    state: { paused: !job.isEnabled, note: noteOf(job, nowMs) },
  };
}

const hourMs = 3_600_000;
/** In clear in Temporal Web: the name of the spec tells a schedule that was left behind from one that is in step. */
export const noteOf = ({ id, plan, spec }: KeptJob, nowMs: number): string =>
  `${id} ${isTimed(plan) ? nameOfSpec(specOfPlan(plan, nowMs)) : '-'} ${String(catchUpMs(spec.kind) / hourMs)}h`;

async function removed(client: Client, scheduleId: string): Promise<void> {
  await client.schedule
    .getHandle(scheduleId)
    .delete()
    .catch((cause: unknown) => {
      if (!(cause instanceof ScheduleNotFoundError)) throw cause;
    });
}

const secondMs = 1000;

/** A backfill leaves its begin out and takes its end in (Temporal API, BackfillRequest). It works on a paused schedule, too. */
async function fired(client: Client, scheduleId: string, atMs: number): Promise<boolean> {
  const [start, end] = [new Date(atMs - secondMs), new Date(atMs)];
  try {
    await client.schedule.getHandle(scheduleId).backfill({ start, end, overlap: ScheduleOverlapPolicy.ALLOW_ALL });
    return true;
  } catch (cause) {
    if (!(cause instanceof ScheduleNotFoundError)) throw cause;
    return false;
  }
}

/** Why by the raw call: entries carry memos of everybody, sealed with keys that are not ours. */
async function listed(client: Client, prefix: string): Promise<readonly SeenSchedule[]> {
  const found: SeenSchedule[] = [];
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await client.workflowService.listSchedules({
      namespace: client.options.namespace,
      maximumPageSize: 1000,
      ...(nextPageToken === undefined ? {} : { nextPageToken }),
    });
    for (const { scheduleId, info } of page.schedules) {
      if (scheduleId?.startsWith(prefix) !== true) continue;
      found.push({
        ...{ scheduleId, jobId: jobOf(scheduleId.slice(prefix.length)) },
        ...{ isPaused: info?.paused === true, note: info?.notes ?? '' },
        nextMs: (info?.futureActionTimes ?? []).map(({ seconds }) => Number(seconds ?? 0) * 1000),
      });
    }
    nextPageToken = page.nextPageToken.length === 0 ? undefined : page.nextPageToken;
  } while (nextPageToken !== undefined);
  return found;
}

const jobOf = (text: string): JobId | undefined => (/^job_[0-9a-f]{32}$/.test(text) ? parseId('job', text) : undefined);
