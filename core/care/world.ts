import type { SetSummary } from '../backup/set-summary.ts';
import type { UnusableSets } from '../backup/usable-sets.ts';
import { sortUsable } from '../backup/usable-sets.ts';
import type { BatchId, ResourceId, SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import { instantFromMicros, microsOfInstant } from '../instant.ts';
import type { BatchSummary } from '../log/batch-summary.ts';
import { givenUpSets } from '../log/given-up-sets.ts';
import type { KnownBranch } from '../log/branches.ts';
import { branchesOf, routeTo } from '../log/branches.ts';
import { reachOf } from '../log/reach.ts';
import type { RouteStep } from '../log/timeline.ts';
import { compareLsn, lsnToNumber } from '../wal/lsn.ts';
import type { Standing } from './mark.ts';
import type { RetentionPolicy } from './policy.ts';
import type { Reason, ReasonCode } from './retention-plan.ts';
import { withoutDamage } from './verification.ts';

/** All that retention looks at: one resource in one pool. */
export interface RetentionWorld {
  readonly resourceId: ResourceId;
  readonly policy: RetentionPolicy | undefined;
  readonly now: Instant;
  /** Every committed set of its databases in the pool, those of other resources too: they may share the log. */
  readonly sets: readonly SetSummary[];
  readonly batches: readonly BatchSummary[];
  /** Keys of objects of log that were found damaged: no set counts because of them; what happens to log is decided on all of it. */
  readonly damagedLog?: ReadonlySet<string>;
  /** Sets that were found damaged, or have damaged pages, in words. Quarantine comes from the marks. */
  readonly damaged: UnusableSets;
  readonly standings: ReadonlyMap<SetId, Standing>;
  /** Sets with a mark that cannot be read: nobody knows what it says. */
  readonly unreadable?: ReadonlySet<SetId>;
  /** Sets and batches that the pool itself protects (object lock), each until when. */
  readonly locked?: ReadonlyMap<SetId | BatchId, Instant>;
}

/** The same for one database, with what follows from it. Sets are sorted, oldest first. */
export interface SystemWorld extends RetentionWorld {
  readonly own: readonly SetSummary[];
  /** Own sets that count: the whole chain and the log they need are there, nothing of it damaged or quarantined. */
  readonly good: readonly SetSummary[];
  readonly branches: ReadonlyMap<string, KnownBranch>;
}

/** Why the pool itself does not let something go yet, in words. */
export function lockOn(
  { locked, now }: Pick<RetentionWorld, 'locked' | 'now'>,
  id: SetId | BatchId,
): string | undefined {
  const until = locked?.get(id);
  return until !== undefined && until > now ? `the pool protects it: locked until ${until}` : undefined;
}

/** Reasons to keep, by set. */
export type Keeping = Map<SetId, Reason[]>;

/** Adds a reason once. */
export function keep(keeping: Keeping, setId: SetId, code: ReasonCode, detail: string): void {
  const reasons = keeping.get(setId) ?? [];
  if (!reasons.some((reason) => reason.code === code && reason.detail === detail)) reasons.push({ code, detail });
  keeping.set(setId, reasons);
}

const oldestFirst = (a: SetSummary, b: SetSummary): number =>
  a.endedAt === b.endedAt
    ? compareLsn(a.endLsn, b.endLsn) || (a.setId < b.setId ? -1 : 1)
    : a.endedAt < b.endedAt
      ? -1
      : 1;

/**
 * Sets as if no clock had ever been put back: none ended before one with a lower end LSN on its branch. By the clock alone the
 * newest set would look old, and would expire. Where the instance itself was put back its log positions say nothing: by them the sets
 * of the time that was given up would be the newest, and those of the present would expire.
 */
function inOrderOfLog(sets: readonly SetSummary[]): readonly SetSummary[] {
  const latest = new Map<string, Instant>();
  const givenUp = givenUpSets({ sets });
  return [...sets]
    .sort((a, b) => compareLsn(a.endLsn, b.endLsn))
    .map((set) => {
      if (givenUp.has(set.setId)) return set;
      const writer = `${set.resourceId} ${set.branchId}`;
      const before = latest.get(writer);
      const isLate = before === undefined || set.endedAt > before;
      const endedAt = isLate ? set.endedAt : instantFromMicros(microsOfInstant(before) + 1);
      latest.set(writer, endedAt);
      return endedAt === set.endedAt ? set : { ...set, endedAt };
    });
}

/** The part of a world that one database is. */
export function systemWorld(world: RetentionWorld, systemId: string): SystemWorld {
  const sets = [...inOrderOfLog(world.sets.filter((set) => set.systemId === systemId))].sort(oldestFirst);
  const batches = world.batches.filter((batch) => batch.systemId === systemId);
  const branches = branchesOf({ sets, batches });
  const isOwn = (set: SetSummary): boolean => set.resourceId === world.resourceId;
  const { usable } = sortUsable(sets, unusableOf(world));
  const sound = branchesOf({ sets, batches: soundOf(batches, world) });
  const good = usable.filter((set) => isOwn(set) && hasItsLog(set, sound)).sort(oldestFirst);
  return { ...world, sets, batches, branches, own: sets.filter(isOwn), good };
}

/** Log as a restore would plan with it. */
const soundOf = (
  batches: readonly BatchSummary[],
  { damagedLog = new Set() }: RetentionWorld,
): readonly BatchSummary[] => batches.map((batch) => withoutDamage(batch, damagedLog));

/** Damaged sets and quarantined ones. */
function unusableOf({ damaged, standings }: RetentionWorld): UnusableSets {
  const quarantined = [...standings].filter(([, standing]) => standing.isQuarantined);
  return new Map([
    ...quarantined.map(([setId, { quarantineReason }]) => [setId, `it is quarantined: ${quarantineReason}`] as const),
    ...damaged,
  ]);
}

/** A set without its log inside is nothing when the pool has not that log either, or has it damaged. */
function hasItsLog(set: SetSummary, branches: ReadonlyMap<string, KnownBranch>): boolean {
  const branch = branches.get(set.branchId);
  return branch !== undefined && reachOf(set, routeTo(branch, branches), branches) !== undefined;
}

/** True when recovery can go from the end of a set along a route. */
export function isOnRoute(set: SetSummary, route: readonly RouteStep[]): boolean {
  const step = route.find((each) => each.branchId === set.branchId);
  return step !== undefined && (step.to === undefined || lsnToNumber(set.endLsn) <= lsnToNumber(step.to));
}
