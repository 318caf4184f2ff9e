import type { HostId } from '#core/id.ts';
import { placeKey } from '#core/plain-path.ts';
import type { RunTicket } from '#core/ports/run-book.ts';
import type { JobSpec, JobSpecOf } from '#core/settings/job-spec.ts';
import type { RunRow } from './runs.ts';

/** Which lane a run holds (design §4): data and log of a resource, or the place that is written. */
export function laneOf(run: Pick<RunRow, 'trigger' | 'hostId'>, spec: JobSpec): RunTicket['lane'] {
  if (isOfPlace(spec)) return laneOfPlace(spec);
  if (isHoldingNothing(spec)) return { owner: run.hostId, kind: 'none' };
  if (isLogical(spec)) return { owner: spec.resourceId, kind: 'logical' };
  switch (spec.kind) {
    case 'full-backup':
    case 'incremental-backup':
      return laneOfData(spec, run.trigger === 'schedule');
    case 'log-backup':
      return { owner: spec.resourceId, kind: 'log' };
    case 'log-stream':
      return { owner: spec.resourceId, kind: 'log-stream' };
    case 'logical-care':
      return laneOfLogicalCare(run.hostId, spec);
    case 'drill':
      // What writes over an instance stands alone there, like a restore in place.
      if (spec.target !== undefined) return { owner: spec.target.resourceId, kind: 'exclusive' };
      // One drill of a resource after the other: their reports are a chain.
      return { owner: `drill:${spec.sourceId}`, kind: 'exclusive' };
  }
}

const kindsOfNothing = ['verify-set', 'merge-set', 'rebuild', 'no-op'] as const;
const isHoldingNothing = (spec: JobSpec): spec is JobSpecOf<(typeof kindsOfNothing)[number]> =>
  kindsOfNothing.some((kind) => kind === spec.kind);

/** Beside backups of data and log; never beside another run that reads, makes or swaps databases there. */
const logicalKinds = ['logical-backup', 'logical-restore', 'database-recovery', 'settle-transfer'] as const;
type LogicalSpec = JobSpecOf<(typeof logicalKinds)[number]>;
const isLogical = (spec: JobSpec): spec is LogicalSpec => logicalKinds.some((kind) => kind === spec.kind);

/** A full of a plan takes the place of an incremental of its family that waits (design §4). */
const laneOfData = (
  { kind, resourceId, poolId }: JobSpecOf<'full-backup' | 'incremental-backup'>,
  isOfPlan: boolean,
): RunTicket['lane'] => ({
  ...{ owner: resourceId, kind: 'data', family: `${resourceId}:${poolId}` },
  ...(kind === 'full-backup' && isOfPlan ? { isReplacing: true } : {}),
});

/** Why a lane for removals: two of them that name the same sets must not meet. */
const laneOfLogicalCare = (hostId: HostId, { task, poolId }: JobSpecOf<'logical-care'>): RunTicket['lane'] =>
  task.does === 'remove' ? { owner: `logical:${poolId}`, kind: 'exclusive' } : { owner: hostId, kind: 'none' };

const kindsOfPlace = ['restore', 'extract-set', 'log-restore', 'care', 'pool-copy'] as const;
type SpecOfPlace = JobSpecOf<(typeof kindsOfPlace)[number]>;
const isOfPlace = (spec: JobSpec): spec is SpecOfPlace => kindsOfPlace.some((kind) => kind === spec.kind);

function laneOfPlace(spec: SpecOfPlace): RunTicket['lane'] {
  switch (spec.kind) {
    case 'restore':
      return laneOfRestore(spec);
    case 'extract-set':
    case 'log-restore':
      return laneOfDirectory(spec.hostId, spec.directory);
    case 'care':
      return laneOfCare(spec);
    case 'pool-copy':
      // Why: leftovers of a copy must not be collected while the next one goes on with them.
      return { owner: spec.toPoolId, kind: 'exclusive' };
  }
}

/** Runs that mean one directory by several ways to write it stand in one lane (design §4: host and canonical path). */
const laneOfDirectory = (hostId: HostId, directory: string): RunTicket['lane'] => ({
  owner: `${hostId}:${placeKey(directory)}`,
  kind: 'exclusive',
});

const laneOfRestore = ({ hostId, plan: { place } }: JobSpecOf<'restore'>): RunTicket['lane'] =>
  place.kind === 'in-place' ? { owner: place.resourceId, kind: 'exclusive' } : laneOfDirectory(hostId, place.directory);

/** Two care runs of one pool never meet; one that deletes log keeps log backups of its resource out, not its stream. */
function laneOfCare({ care, poolId }: JobSpecOf<'care'>): RunTicket['lane'] {
  // Why a lane of its own: reading for hours must not keep retention or the collection of leftovers waiting.
  if (care.does === 'scrub') return { owner: `scrub:${poolId}`, kind: 'exclusive' };
  return care.does === 'plan' && care.logOf !== undefined
    ? { owner: care.logOf, kind: 'log-deletion' }
    : { owner: poolId, kind: 'exclusive' };
}
