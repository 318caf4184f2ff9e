import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { z } from 'zod';
import type { Clock } from '#core/ports/clock.ts';
import type { LaneDoor } from '#core/ports/lane-door.ts';
import type { RunTicket } from '#core/ports/run-book.ts';
import type { WorkOrder } from '#core/run/work-order.ts';
import { workOrderOf } from '#core/run/work-order-of.ts';
import { controlQueue, laneWorkflow, laneWorkflowId, runWorkflowId, statusQuery } from '#workflows/contract.ts';

/** A lane that was begun anew. */
export interface MendedLane {
  readonly owner: string;
  /** Execution that was ended: an event of it is told once. */
  readonly executionId: string;
  /** How often its workflow task had been tried. */
  readonly attempts: number;
  /** What its code could not do, in the words of the worker. */
  readonly reason: string;
}

export interface LaneMending {
  readonly client: Client;
  readonly queuePrefix: string;
  readonly clock: Clock;
  readonly door: LaneDoor;
  /** Runs that are not over, oldest first. */
  readonly openRuns: () => Promise<readonly RunTicket[]>;
  /** Told when the old lane is ended and before the new one is filled. */
  readonly tell: (lane: MendedLane) => Promise<void>;
  /** A task that failed less often, or for less long, may still come right by itself. */
  readonly patience: { readonly attempts: number; readonly ms: number };
}

export const lanePatience = { attempts: 5, ms: 60_000 } as const;

export interface LaneLooks {
  readonly everyMs: number;
  /** Throws when lanes of this place are not ours: another catalog may have them. */
  readonly demandOwn: () => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
}

/** Looks again and again until the signal; trouble is told and the look is made again. */
export async function keepLanes(
  mending: LaneMending,
  { everyMs, demandOwn, onTrouble }: LaneLooks,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await demandOwn()
      .then(() => mendLanes(mending))
      .catch(onTrouble);
  }
}

/**
 * Finds lanes whose workflow task keeps failing — a history that no worker can replay — and does what an operator would: ends the lane
 * and begins it anew with the runs that were at work in it or in its line, in their order (ADR 8). Work under way is not touched: it has
 * its own workflow, and the agent's fence keeps others out until it is over. Returns the lanes that it mended.
 */
export async function mendLanes(mending: LaneMending): Promise<readonly MendedLane[]> {
  const { client, queuePrefix } = mending;
  const query = `WorkflowType = "${laneWorkflow}" AND ExecutionStatus = "Running" AND TaskQueue = "${queuePrefix}${controlQueue}"`;
  const mended: MendedLane[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    const stuck = await lookAt(mending, workflowId, runId);
    if (stuck !== undefined && (await beginAnew(mending, stuck))) mended.push(stuck);
  }
  return mended;
}

/** Undefined for a lane that works, or that only waits for a worker. */
async function lookAt(
  { client, clock, patience }: LaneMending,
  workflowId: string,
  executionId: string,
): Promise<MendedLane | undefined> {
  const { raw } = await client.workflow.getHandle(workflowId, executionId).describe();
  const task = raw.pendingWorkflowTask;
  const attempts = task?.attempt ?? 0;
  const sinceMs = Number(task?.originalScheduledTime?.seconds ?? 0) * 1000;
  if (task === undefined || task === null) return undefined;
  if (attempts < patience.attempts || clock.nowMs() - sinceMs < patience.ms) return undefined;
  const reason = await failureOf(client, { workflowId, runId: executionId });
  if (reason === undefined) return undefined;
  return { owner: workflowId.slice(laneWorkflowId('').length), executionId, attempts, reason };
}

/** Why the newest workflow task failed; undefined when it did not, but ran into its time limit for want of a worker. */
async function failureOf(
  client: Client,
  execution: { readonly workflowId: string; readonly runId: string },
): Promise<string | undefined> {
  const { namespace } = client.options;
  const newest = await client.workflowService.getWorkflowExecutionHistoryReverse({
    ...{ namespace, execution, maximumPageSize: 5 },
  });
  const ended = newest.history?.events?.find(
    (event) => event.workflowTaskFailedEventAttributes ?? event.workflowTaskCompletedEventAttributes,
  );
  const cause = ended?.workflowTaskFailedEventAttributes?.cause;
  return cause === undefined || cause === null ? undefined : proto.temporal.api.enums.v1.WorkflowTaskFailedCause[cause];
}

/** False when somebody else ended the lane in the meantime. */
async function beginAnew(mending: LaneMending, lane: MendedLane): Promise<boolean> {
  const { client, door, tell } = mending;
  try {
    await client.workflow
      .getHandle(laneWorkflowId(lane.owner), lane.executionId)
      .terminate(`its workflow task failed ${String(lane.attempts)} times: it is begun anew`);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
  await tell(lane);
  for (const order of await queueOf(mending, lane.owner)) await door.enter({ order, whenBusy: 'wait' });
  return true;
}

/** Who was at work in a lane, then who stood in its line; a run that has not asked yet asks by itself. */
async function queueOf(
  { client, clock, queuePrefix, openRuns }: LaneMending,
  owner: string,
): Promise<readonly WorkOrder[]> {
  const working: WorkOrder[] = [];
  const waiting: WorkOrder[] = [];
  for (const ticket of await openRuns()) {
    const order = workOrderOf({ runId: ticket.runId, kind: ticket.kind, queuePrefix }, ticket);
    if (order.lane.owner !== owner) continue;
    const phase = await phaseOf({ client, clock }, ticket);
    if (phase === 'working') working.push(order);
    else if (phase === 'waiting-for-lane' && ticket.whenBusy === 'wait') waiting.push(order);
  }
  return [...working, ...waiting];
}

const statusShape = z.looseObject({ phase: z.string() });
const queryMs = 10_000;

/** Undefined for a run whose workflow does not answer: it asks its lane again by itself when it is silent for long. */
async function phaseOf(
  { client, clock }: Pick<LaneMending, 'client' | 'clock'>,
  { runId }: RunTicket,
): Promise<string | undefined> {
  const ask = (): Promise<unknown> => client.workflow.getHandle(runWorkflowId(runId)).query(statusQuery);
  const status = statusShape.safeParse(await client.withDeadline(clock.nowMs() + queryMs, ask).catch(() => undefined));
  return status.success ? status.data.phase : undefined;
}
