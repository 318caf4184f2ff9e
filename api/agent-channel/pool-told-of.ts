import type { Database } from '#catalog/database.ts';
import { findRun, openRebuildOf, specOfRun } from '#catalog/runs.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId, PoolId, RunId } from '#core/id.ts';
import type { JobSpec, JobSpecOf } from '#core/settings/job-spec.ts';

interface Told {
  readonly hostId: HostId;
  /** The run that made the object; unknown in a rebuilt catalog. */
  readonly runId: RunId;
  readonly object: string;
}

/**
 * Which pool holds what a host tells of: the pool of the run that made it, when that run was this host's; otherwise the
 * pool that this host rebuilds from right now. Throws `pool_of_set_unknown`.
 */
export async function poolToldOf(db: Database, { hostId, runId, object }: Told): Promise<PoolId> {
  const run = await findRun(db, runId);
  if (run?.hostId === hostId) {
    const spec = await specOfRun(db, runId);
    // A restore in place saves the log that nobody had backed up, into the pool that it restores from.
    if (isMaker(spec)) return spec.poolId;
  }
  const rebuild = await openRebuildOf(db, hostId);
  const spec = rebuild === undefined ? undefined : await specOfRun(db, rebuild.id);
  if (spec?.kind !== 'rebuild') throw fail('pool_of_set_unknown', { object });
  return spec.poolId;
}

const makers = ['full-backup', 'incremental-backup', 'log-backup', 'restore'] as const;
type Maker = JobSpecOf<(typeof makers)[number]>;

const isMaker = (spec: JobSpec): spec is Maker => makers.some((kind) => kind === spec.kind);
