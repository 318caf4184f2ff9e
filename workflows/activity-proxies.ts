import type { ActivityOptions } from '@temporalio/workflow';
import { ActivityCancellationType, ActivityFailure, TimeoutFailure, proxyActivities } from '@temporalio/workflow';
import type { ControlActivities } from '#activities/control/control-activities.ts';
import type { HostActivities } from '#activities/host/host-activities.ts';
import type { HostId } from '#core/id.ts';
import type { HostQueueKind } from './contract.ts';
import { controlQueue, hostQueue } from './contract.ts';

// The only place with timeouts and retry policies. Errors of a class that waiting cannot help come as non-retryable.

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;
const minuteMs = 60_000;
/** Beyond its own time-out: to fetch what it is, and to clean up behind it. */
const lastScriptGraceMs = 5 * minuteMs;
const settled = { cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED } as const;

/**
 * Steps beside the catalog: short, repeated until the catalog is back. They beat, so that a catalog or a lane that is slow under load is
 * waited for, and a worker that died is not: its step is taken up after the heartbeat time-out.
 */
export const controlActivities = (queuePrefix: string): ControlActivities =>
  proxyActivities<ControlActivities>({
    ...settled,
    taskQueue: `${queuePrefix}${controlQueue}`,
    startToCloseTimeout: '2m',
    heartbeatTimeout: '15s',
    retry,
  });

/** Where an agent is and how long to wait for it (K-084). */
export interface HostReach {
  readonly hostId: HostId;
  readonly queuePrefix: string;
  readonly reconnectMinutes: number;
}

const hostActivities = (reach: HostReach, kind: HostQueueKind, options: ActivityOptions): HostActivities =>
  proxyActivities<HostActivities>({
    ...settled,
    taskQueue: hostQueue(reach.hostId, kind, reach.queuePrefix),
    ...options,
  });

/** Waits for an agent up to the reconnect time: a schedule-to-start time-out is final and means "nobody polled". */
export const agentProbe = (reach: HostReach): Pick<HostActivities, 'probeHost'> =>
  hostActivities(reach, 'ctl', {
    scheduleToStartTimeout: reach.reconnectMinutes * minuteMs,
    startToCloseTimeout: '10s',
    heartbeatTimeout: '10s',
    retry,
  });

/** Short requests to an agent that is there. */
export const agentRequests = (
  reach: Omit<HostReach, 'reconnectMinutes'>,
): Pick<HostActivities, 'inspect' | 'setLimits' | 'setPaused'> =>
  hostActivities({ ...reach, reconnectMinutes: 1 }, 'ctl', {
    scheduleToStartTimeout: '15s',
    startToCloseTimeout: '5m',
    heartbeatTimeout: '10s',
    retry: { ...retry, maximumAttempts: 3 },
  });

/**
 * The work of a run. The reconnect time counts from the detection of a loss: after a heartbeat time-out the next attempt
 * waits that long for an agent. Slots are so many that a busy agent never looks absent: jobs wait in its fence instead.
 */
export const agentWork = (reach: HostReach, kind: 'data' | 'wal', summary: string): HostActivities =>
  hostActivities(reach, kind, {
    summary,
    scheduleToStartTimeout: reach.reconnectMinutes * minuteMs,
    startToCloseTimeout: '30d',
    heartbeatTimeout: '60s',
    retry,
  });

/** A script after the end of the work: bounded, for it runs although somebody may have cancelled the run (K-088). */
export const agentLastScript = (reach: HostReach, timeoutSeconds: number): Pick<HostActivities, 'runHook'> =>
  hostActivities(reach, 'data', {
    summary: 'script after the run',
    scheduleToStartTimeout: reach.reconnectMinutes * minuteMs,
    startToCloseTimeout: timeoutSeconds * 1000 + lastScriptGraceMs,
    heartbeatTimeout: '60s',
    retry,
  });

/** True for "no agent took it within the reconnect time". */
export const isNobodyThere = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof TimeoutFailure &&
  error.cause.timeoutType === 'SCHEDULE_TO_START';
