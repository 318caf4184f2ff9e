import type { Database } from '#catalog/database.ts';
import { findRun, openRebuildOf, specOfRun } from '#catalog/runs/runs.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId, PoolId, RunId } from '#core/id.ts';
import { isFinal } from '#core/run/run-state.ts';
import type { JobSpec, JobSpecOf } from '#core/settings/job-spec.ts';

interface Told {
  readonly hostId: HostId;
  /** The run that made the object; unknown in a rebuilt catalog. */
  readonly runId: RunId;
  readonly systemId: string;
  readonly object: string;
  /** The run that found it in its pool. */
  readonly teller?: RunId;
}

/**
 * Which pool holds what a host tells of: the target of the copy that tells, or the pool of the rebuild that does; that of the
 * log backup of the same database which this host does right now and which found it (another run may have made it in another
 * pool, from which it was copied; after a rebuild, or on another host, the catalog has no run that made it); the pool of the
 * run that made it, when that run was this host's; otherwise the pool that this host rebuilds from right now. Throws
 * `pool_of_set_unknown`.
 */
export async function poolToldOf(db: Database, told: Told): Promise<PoolId> {
  const { hostId, runId, object } = told;
  const found = (await poolOfTelling(db, told)) ?? (await poolOfTeller(db, told));
  if (found !== undefined) return found;
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

/** The pool into which the teller copies right now, or from which it rebuilds the catalog. */
export async function poolOfTelling(
  db: Database,
  { hostId, teller }: Pick<Told, 'hostId' | 'teller'>,
): Promise<PoolId | undefined> {
  const run = teller === undefined ? undefined : await findRun(db, teller);
  if (run === undefined || run.hostId !== hostId || isFinal(run.state)) return undefined;
  const spec = await specOfRun(db, run.id);
  if (spec.kind === 'pool-copy') return spec.toPoolId;
  return spec.kind === 'rebuild' ? spec.poolId : undefined;
}

async function poolOfTeller(db: Database, { hostId, systemId, teller }: Told): Promise<PoolId | undefined> {
  const run = teller === undefined ? undefined : await findRun(db, teller);
  if (run?.resourceId == null || run.hostId !== hostId || isFinal(run.state)) return undefined;
  const spec = await specOfRun(db, run.id);
  const isOfDatabase = (await getResource(db, run.resourceId)).systemId === systemId;
  const isOfLog = spec.kind === 'log-backup' || spec.kind === 'log-stream';
  return isOfLog && isOfDatabase ? spec.poolId : undefined;
}

const makers = [
  ...(['full-backup', 'incremental-backup', 'log-backup', 'log-stream', 'restore', 'merge-set'] as const),
  'logical-backup',
] as const;
type Maker = JobSpecOf<(typeof makers)[number]>;

const isMaker = (spec: JobSpec): spec is Maker => makers.some((kind) => kind === spec.kind);
