import type { HostId, ResourceId } from '../id.ts';
import type { Instant } from '../instant.ts';
import { microsOfInstant } from '../instant.ts';

/** What a monitoring system wants to know of a resource, in one flat record. */
export interface ResourceFigures {
  readonly id: ResourceId;
  readonly resource: string;
  readonly hostId: HostId | null;
  readonly host: string | null;
  readonly isHostOnline: boolean;
  /** Per type: full, incremental, log, logical-backup, restore, drill. */
  readonly lastSuccess: Readonly<Record<string, Instant>>;
  readonly latestRestorable: Instant | null;
  /** Age of the latest point that can be recovered; null when there is none. */
  readonly rpoSeconds: number | null;
  readonly rpoTargetSeconds: number | null;
  /** How long recovery took when it was last done. */
  readonly rtoSeconds: number | null;
  readonly rtoTargetSeconds: number | null;
  readonly targetSetAt: Instant | null;
  readonly lastDrill: Instant | null;
  readonly logGaps: number;
  readonly needsLogin: boolean;
}

/** The worst that holds: `unprotected` (nothing to recover), `breached` (a target), `attention` (gap, login, host), `ok`. */
export const resourceStates = ['ok', 'attention', 'breached', 'unprotected'] as const;
export type ResourceState = (typeof resourceStates)[number];

export interface ResourceStatus extends ResourceFigures {
  readonly state: ResourceState;
}

/**
 * Whether the RPO target is missed. A resource without anything to recover misses it when the target is older than the time
 * that it allows: whoever has just set it may take the first backup.
 */
export function isRpoBreached(
  {
    rpoSeconds,
    rpoTargetSeconds,
    targetSetAt,
  }: Pick<ResourceFigures, 'rpoSeconds' | 'rpoTargetSeconds' | 'targetSetAt'>,
  nowMs: number,
): boolean {
  if (rpoTargetSeconds === null) return false;
  if (rpoSeconds !== null) return rpoSeconds > rpoTargetSeconds;
  const ageSeconds = targetSetAt === null ? 0 : nowMs / 1000 - microsOfInstant(targetSetAt) / 1_000_000;
  return ageSeconds > rpoTargetSeconds;
}

/** Whether the last recovery took longer than the RTO target; undefined before there was one. */
export const isRtoBreached = ({
  rtoSeconds,
  rtoTargetSeconds,
}: Pick<ResourceFigures, 'rtoSeconds' | 'rtoTargetSeconds'>): boolean | undefined =>
  rtoTargetSeconds === null || rtoSeconds === null ? undefined : rtoSeconds > rtoTargetSeconds;

export function stateOf(figures: ResourceFigures, nowMs: number): ResourceState {
  if (isRpoBreached(figures, nowMs) || isRtoBreached(figures) === true) return 'breached';
  if (figures.rpoSeconds === null) return 'unprotected';
  const isHostAway = figures.hostId !== null && !figures.isHostOnline;
  return figures.logGaps > 0 || figures.needsLogin || isHostAway ? 'attention' : 'ok';
}
