import type { HostId, JobId, RunId } from '#core/id.ts';
import type { RateLimits } from '#core/run/rate.ts';
import type { RunKind } from '#core/run/run-kind.ts';

/** Durable names: changing one is a format change (style §3.4). The API and the CLI import nothing else of workflows/. */
export { controlQueue, hostQueue, runWorkflowId } from '#core/run/queues.ts';
export type { HostQueueKind } from '#core/run/queues.ts';

export const runWorkflow = 'executeRun';
export const fireWorkflow = 'fireJob';
export const laneWorkflow = 'lane';
export const workWorkflow = 'work';
export const inspectWorkflow = 'inspect';

/** Temporal adds the time to the id of each workflow that a schedule starts. */
export const fireWorkflowId = (job: JobId): string => `fire:${job}`;
/** The schedule of a job; test files have a prefix, so that each sees its own. */
export const scheduleIdPrefix = (queuePrefix: string): string => `${queuePrefix}job:`;
export const laneWorkflowId = (owner: string): string => `lane:${owner}`;
export const workWorkflowId = (owner: string, lane: string): string => `work:${owner}:${lane}`;
export const inspectWorkflowId = (inspectionId: string): string => `inspect:${inspectionId}`;

export interface RunInput {
  readonly runId: RunId;
  readonly kind: RunKind;
  /** Task-queue prefix of tests; '' in production. */
  readonly queuePrefix: string;
}

/** What a schedule passes on: ids alone, the job revision is read when it fires. */
export interface FireInput {
  readonly jobId: JobId;
  readonly queuePrefix: string;
}

/** A short question to one agent, asked through Temporal so that the API needs no way to a host. Result: what HostWork returns. */
export interface InspectInput {
  readonly inspectionId: string;
  readonly hostId: HostId;
  readonly kind:
    | 'discover'
    | 'preflight'
    | 'login'
    | 'place'
    | 'drill-target'
    | 'pool-create'
    | 'pool-test'
    | 'pool-rotate'
    | 'pool-kit'
    | 'mark-set'
    | 'scratch'
    | 'canary'
    | 'names'
    | 'content-tree'
    | 'set-contents';
  readonly queuePrefix: string;
}

/** Update of a run workflow: a change of its limits reaches the agent within 2 s; what it does not speak of stays. */
export const throttleUpdate = 'throttle';
export type ThrottleInput = RateLimits;
/** Updates of a run workflow whose work has begun: it stops reading, writing and sending at once, or goes on (design §4). */
export const pauseUpdate = 'pause';
export const resumeUpdate = 'resume';
/** Query of a run workflow: where it stands, in words, and the workflow whose pending activity carries the progress. */
export const statusQuery = 'status';
export interface RunStatus {
  readonly phase:
    | 'recording'
    | 'waiting-for-agent'
    | 'precondition'
    | 'waiting-for-lane'
    | 'working'
    | 'committing'
    | 'after-script'
    | 'closed';
  readonly detail: string;
  readonly isPaused?: boolean;
  readonly workWorkflowId?: string;
}

/** Lane: a request enters, a run that is cancelled drops out, anyone may look. */
export const enterLaneUpdate = 'enter';
export const dropSignal = 'drop';
export const laneQuery = 'lane';
/** Lane → work, run → work: stop the work of this run. Ignored by the work of another run that has the lane by now. */
export const stopSignal = 'stop';
/** Work → run. */
export const workBeganSignal = 'workBegan';
export const workEndedSignal = 'workEnded';
