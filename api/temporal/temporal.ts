import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { WorkflowFailedError, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { TimeoutFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { z } from 'zod';
import type { SeenNamespace } from '#catalog/temporal-home.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RunId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { RunTicket } from '#core/ports/run-book.ts';
import type { Progress } from '#core/run/progress.ts';
import type { RateLimits } from '#core/run/rate.ts';
import { progressShape } from '#core/settings/shape/progress.ts';
import { errorOfFailure } from '#wire/failure.ts';
import { seenNamespace } from '#wire/seen-namespace.ts';
import type { InspectInput, RunInput } from '#workflows/contract.ts';
import type { RunTitle } from '#api/starts/run-title.ts';
import {
  controlQueue,
  dropSignal,
  inspectWorkflow,
  inspectWorkflowId,
  laneWorkflowId,
  pauseUpdate,
  resumeUpdate,
  runWorkflow,
  runWorkflowId,
  statusQuery,
  stopSignal,
  throttleUpdate,
  workWorkflowId,
} from '#workflows/contract.ts';

/** Where a run stands now, in words and numbers; all of it may be unknown for a moment. */
export interface LiveRun {
  readonly phase?: string;
  readonly detail?: string;
  readonly progress?: Progress;
  /** Attempt of the step that works now, from 1. */
  readonly attempt?: number;
}

/** Where the workflow of a run is: at work, at its end since a time, or nowhere that Temporal knows of. */
export type Whereabouts =
  { readonly at: 'work' } | { readonly at: 'end'; readonly sinceMs: number } | { readonly at: 'nowhere' };

/** The API's door to Temporal: it starts, asks, changes and stops workflows, by id. Throws `temporal_unreachable`. */
export interface RunDoor {
  /** Starting a run that is started already is fine. */
  start(input: RunInput, title: RunTitle): Promise<void>;
  cancel(run: RunId): Promise<void>;
  throttle(run: RunId, limits: RateLimits): Promise<void>;
  /** Pauses the work of a run, or lets it go on. Throws `run_not_at_work`, `agent_silent`. */
  setPaused(run: RunId, isPaused: boolean): Promise<void>;
  live(run: RunId): Promise<LiveRun>;
  whereabouts(run: RunId): Promise<Whereabouts>;
  /** Tells the lane of a run, and the work that it may have there, to let go of it. Both may be gone. */
  stopWork(run: RunId, lane: RunTicket['lane']): Promise<void>;
  /** Puts a short question to an agent and returns its answer, unparsed; waits a minute for it unless told otherwise. */
  inspect(input: InspectInput, patienceSeconds?: number): Promise<unknown>;
  /** The namespace that all of this is in; id `` when there is none of its name. */
  namespace(): Promise<SeenNamespace>;
  /** Whether Temporal answers and whether a control worker polls. */
  health(): Promise<{ readonly isWorkerPolling: boolean }>;
}

const inspectSeconds = 60;
const liveMs = 2000;
const namespaceMs = 5000;
const answerMs = 30_000;
const statusShape = z.looseObject({ phase: z.string(), detail: z.string(), workWorkflowId: z.string().optional() });

export function openRunDoor(client: Client, queuePrefix: string, clock: Clock): RunDoor {
  const taskQueue = `${queuePrefix}${controlQueue}`;
  // Why deadlines: a Temporal that is silent, not away, would never let go of a request.
  const soon =
    <T>(ask: () => Promise<T>): (() => Promise<T>) =>
    () =>
      client.withDeadline(clock.nowMs() + answerMs, ask);
  const handleOf = (run: RunId) => client.workflow.getHandle(runWorkflowId(run));
  return {
    start: (input, title) =>
      asked(
        soon(async () => {
          await client.workflow
            .start(runWorkflow, {
              taskQueue,
              workflowId: runWorkflowId(input.runId),
              workflowIdReusePolicy: 'REJECT_DUPLICATE',
              args: [input],
              staticSummary: title.summary,
              staticDetails: title.details,
            })
            .catch(fineWhenStarted);
        }),
      ),
    cancel: (run) =>
      asked(
        soon(() => handleOf(run).cancel()),
        run,
      ).then(() => undefined),
    throttle: (run, limits) =>
      asked(
        soon(async () => {
          await handleOf(run).executeUpdate(throttleUpdate, { args: [limits] });
        }),
        run,
      ),
    setPaused: (run, isPaused) =>
      asked(
        soon(async () => {
          await handleOf(run).executeUpdate(isPaused ? pauseUpdate : resumeUpdate);
        }),
        run,
      ),
    // Why: a query waits for a worker; a page that shows a run does not.
    live: (run) => asked(() => client.withDeadline(clock.nowMs() + liveMs, () => liveRun(client, run)), run),
    whereabouts: (run) => asked(soon(() => whereabouts(client, run))),
    stopWork: (run, lane) => asked(soon(() => stopWork(client, run, lane))),
    inspect: (input, patienceSeconds = inspectSeconds) =>
      asked(() => inspected({ client, taskQueue, patienceSeconds }, input)),
    namespace: () =>
      asked(() =>
        client.withDeadline(
          clock.nowMs() + namespaceMs,
          async () => (await seenNamespace(client)) ?? { namespace: client.options.namespace, id: '' },
        ),
      ),
    health: () => asked(soon(() => health(client, taskQueue))),
  };
}

function fineWhenStarted(cause: unknown): void {
  if (!(cause instanceof WorkflowExecutionAlreadyStartedError)) throw cause;
}

interface Inspecting {
  readonly client: Client;
  readonly taskQueue: string;
  readonly patienceSeconds: number;
}

async function inspected({ client, taskQueue, patienceSeconds }: Inspecting, input: InspectInput): Promise<unknown> {
  try {
    return await client.workflow.execute(inspectWorkflow, {
      taskQueue,
      workflowId: inspectWorkflowId(input.inspectionId),
      args: [input],
      workflowExecutionTimeout: patienceSeconds * 1000,
      staticSummary: `${input.kind} on ${input.hostId}`,
    });
  } catch (cause) {
    if (!(cause instanceof WorkflowFailedError)) throw cause;
    if (cause.cause instanceof TimeoutFailure) throw fail('worker_silent', { seconds: String(patienceSeconds) }, cause);
    throw errorOfFailure(cause.cause ?? cause, `the ${input.kind} of ${input.hostId}`);
  }
}

async function whereabouts(client: Client, run: RunId): Promise<Whereabouts> {
  try {
    const { status, closeTime } = await client.workflow.getHandle(runWorkflowId(run)).describe();
    return status.name === 'RUNNING' ? { at: 'work' } : { at: 'end', sinceMs: closeTime?.getTime() ?? 0 };
  } catch (cause) {
    if (cause instanceof WorkflowNotFoundError) return { at: 'nowhere' };
    throw cause;
  }
}

async function stopWork(client: Client, run: RunId, { owner, kind }: RunTicket['lane']): Promise<void> {
  const told = [
    [laneWorkflowId(owner), dropSignal],
    [workWorkflowId(owner, kind), stopSignal],
  ] as const;
  for (const [id, signal] of told)
    await client.workflow
      .getHandle(id)
      .signal(signal, run)
      .catch((cause: unknown) => {
        if (!(cause instanceof WorkflowNotFoundError)) throw cause;
      });
}

async function liveRun(client: Client, run: RunId): Promise<LiveRun> {
  const status = statusShape.safeParse(await client.workflow.getHandle(runWorkflowId(run)).query(statusQuery));
  if (!status.success) return {};
  const { phase, detail, workWorkflowId } = status.data;
  if (workWorkflowId === undefined) return { phase, detail };
  return { phase, detail, ...(await workInProgress(client, workWorkflowId).catch(() => ({}))) };
}

/** Progress from the heartbeat of the pending activity (temporal-verified §6): the one place that reads this raw field. */
async function workInProgress(client: Client, workflowId: string): Promise<LiveRun> {
  const description = await client.workflow.getHandle(workflowId).describe();
  const pending = description.raw.pendingActivities?.[0];
  const converter = client.options.loadedDataConverter;
  let payloads = pending?.heartbeatDetails?.payloads ?? [];
  for (const codec of [...converter.payloadCodecs].reverse()) payloads = await codec.decode(payloads);
  const [beat] = payloads;
  const progress = progressShape.safeParse(
    beat === undefined ? undefined : converter.payloadConverter.fromPayload(beat),
  );
  return {
    ...(progress.success ? { progress: progress.data } : {}),
    ...(typeof pending?.attempt === 'number' ? { attempt: pending.attempt } : {}),
  };
}

async function health(client: Client, name: string): Promise<{ isWorkerPolling: boolean }> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name },
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  });
  return { isWorkerPolling: pollers.length > 0 };
}

/** Everything that is neither ours nor "no such workflow" means that Temporal does not answer as it should. */
export async function asked<T>(ask: () => Promise<T>, run?: RunId): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    if (cause instanceof WorkflowUpdateFailedError) throw errorOfFailure(cause.cause ?? cause, 'the change of the run');
    if (cause instanceof WorkflowNotFoundError && run !== undefined)
      throw fail('run_finished', { run, state: 'at its end' }, cause);
    throw fail('temporal_unreachable', { reason: cause instanceof Error ? cause.message : 'no reason given' }, cause);
  }
}
