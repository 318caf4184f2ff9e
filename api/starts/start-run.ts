import { keepRun } from '#catalog/runs/idempotency-keys.ts';
import { demandNoDrill } from '#catalog/drills/target-users.ts';
import { addJob } from '#catalog/jobs.ts';
import type { PoolRow } from '#catalog/pools/pools.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { addRun, getRun, moveRun, queuedRuns } from '#catalog/runs/runs.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { HostId, ResourceId, RunId, SetId } from '#core/id.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import type { Context } from '#api/context.ts';
import { keyOfRequest } from '#api/http/idempotency.ts';
import { titleOfRun } from './run-title.ts';

export interface RunRequest {
  readonly spec: JobSpec;
  readonly hostId: HostId;
  readonly resourceId?: ResourceId;
  readonly setId?: SetId;
  /** Name of the ad-hoc job. */
  readonly name: string;
  readonly startedBy: string;
}

/**
 * Records a run with its job revision, then starts its workflow. A run that Temporal did not take is closed as failed.
 * Throws `temporal_unreachable`, `drill_target_in_use`.
 */
export async function startRun(context: Context, request: RunRequest): Promise<RunRow> {
  const { catalog, ids } = context;
  const id = ids('run');
  const jobId = ids('job');
  const { spec, hostId, name, startedBy, resourceId, setId } = request;
  await demandNoDrill(catalog, { spec, hostId });
  await catalog.transaction(async (db) => {
    await addJob(db, { id: jobId, name, spec, createdBy: startedBy });
    await addRun(db, {
      ...{ id, jobId, spec, hostId, startedBy },
      ...(resourceId === undefined ? {} : { resourceId }),
      ...(setId === undefined ? {} : { setId }),
    });
    const key = keyOfRequest();
    if (key !== undefined) await keepRun(db, key, id);
  });
  await handToTemporal(context, id, spec.kind);
  return getRun(catalog, id);
}

/** A run that Temporal did not take is closed as failed. Throws `temporal_unreachable`. */
export async function handToTemporal(context: Context, runId: RunId, kind: JobSpec['kind']): Promise<void> {
  try {
    const title = await titleOfRun(context.catalog, runId);
    await context.runs.start({ runId, kind, queuePrefix: context.queuePrefix }, title);
  } catch (cause) {
    if (cause instanceof HoldfastError) {
      const { code, params, message } = cause;
      await moveRun(context.catalog, runId, 'failed', { state: 'failed', code, params, message });
    }
    throw cause;
  }
}

/** Starts what was recorded before the API died between catalog and Temporal; what runs already is left alone. */
export async function resumeQueuedRuns(context: Context): Promise<number> {
  const queued = await queuedRuns(context.catalog);
  for (const { id: runId, kind } of queued) {
    const title = await titleOfRun(context.catalog, runId);
    await context.runs.start({ runId, kind, queuePrefix: context.queuePrefix }, title);
  }
  return queued.length;
}

/** Throws `pool_out_of_reach` unless the host can open the pool. */
export function demandReach(pool: PoolRow, hostId: HostId): void {
  if (canReach(pool, hostId)) return;
  throw fail('pool_out_of_reach', { pool: pool.name, host: hostId });
}

/** A local pool is reachable by its own host only, a shared one by every host. */
export const canReach = (pool: PoolRow, hostId: HostId): boolean =>
  pool.access === 'shared' || pool.maintenanceHosts.includes(hostId);
