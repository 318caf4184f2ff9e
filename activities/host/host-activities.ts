import type { Inspection } from '#core/agent/order.ts';
import type { RunId } from '#core/id.ts';
import type { AgentChannel, HostWork } from '#core/ports/host-work.ts';
import type { HookRunner } from '#core/ports/hook-runner.ts';
import type { JobTable } from '#core/ports/job-table.ts';
import type { RateLimits } from '#core/run/rate.ts';
import type { WorkOrder, WorkResult } from '#core/run/work-order.ts';

/** What the activities of an agent reach the world through. */
export interface HostDeps {
  readonly work: HostWork;
  readonly channel: AgentChannel;
  readonly jobs: JobTable;
  readonly hooks: HookRunner;
  readonly agentVersion: string;
}

/** What a question without a run asks: the agent fetches the rest by the id. */
export interface InspectionOrder {
  readonly inspectionId: string;
  readonly kind: Inspection['kind'] | 'discover';
}

export interface AgentSign {
  readonly agentVersion: string;
}

/** Durable activity names of the host queues: ctl answers within seconds, data and wal do the work of a run. */
export interface HostActivities {
  readonly probeHost: () => Promise<AgentSign>;
  readonly inspect: (order: InspectionOrder) => Promise<unknown>;
  readonly setLimits: (runId: RunId, limits: RateLimits) => Promise<void>;
  readonly setPaused: (runId: RunId, isPaused: boolean) => Promise<void>;
  readonly takeFullBackup: (order: WorkOrder) => Promise<WorkResult>;
  readonly takeLogBackup: (order: WorkOrder) => Promise<WorkResult>;
  readonly streamLog: (order: WorkOrder) => Promise<WorkResult>;
  readonly restore: (order: WorkOrder) => Promise<WorkResult>;
  readonly verifySet: (order: WorkOrder) => Promise<WorkResult>;
  readonly mergeSet: (order: WorkOrder) => Promise<WorkResult>;
  readonly extractSet: (order: WorkOrder) => Promise<WorkResult>;
  readonly recoverDatabases: (order: WorkOrder) => Promise<WorkResult>;
  readonly restoreLogicalSet: (order: WorkOrder) => Promise<WorkResult>;
  readonly settleTransfer: (order: WorkOrder) => Promise<WorkResult>;
  readonly rebuildFromPool: (order: WorkOrder) => Promise<WorkResult>;
  readonly careForPool: (order: WorkOrder) => Promise<WorkResult>;
  readonly runDrill: (order: WorkOrder) => Promise<WorkResult>;
  readonly restoreLog: (order: WorkOrder) => Promise<WorkResult>;
  readonly copyPool: (order: WorkOrder) => Promise<WorkResult>;
  /** A part of a run beside its main work (core/hooks). */
  readonly runHook: (order: WorkOrder) => Promise<WorkResult>;
  readonly verifyAfter: (order: WorkOrder) => Promise<WorkResult>;
  readonly takeLogicalBackup: (order: WorkOrder) => Promise<WorkResult>;
  readonly careForLogicalSets: (order: WorkOrder) => Promise<WorkResult>;
  readonly noOp: (order: WorkOrder) => Promise<WorkResult>;
}
