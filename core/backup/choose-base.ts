import type { ResourceId, SetId } from '../id.ts';
import { givenUpSets } from '../log/given-up-sets.ts';
import type { CommittedLog } from '../log/branches.ts';
import { branchesOf, currentBranch, routeTo } from '../log/branches.ts';
import type { RouteStep } from '../log/timeline.ts';
import { compareLsn } from '../wal/lsn.ts';
import type { SetSummary, SetType } from './set-summary.ts';
import type { UnusableSets } from './usable-sets.ts';
import { sortUsable } from './usable-sets.ts';

export interface BaseWish {
  readonly resourceId: ResourceId;
  readonly wanted: Exclude<SetType, 'full'>;
  /** What is committed for the database in the one pool that the new set goes to; of the log the newest batch of each branch is enough. */
  readonly log: CommittedLog;
  readonly unusable: UnusableSets;
}

/** The base of an incremental, or in words why it must become a full (K-048). */
export type BaseChoice = { readonly base: SetSummary } | { readonly base?: never; readonly reason: string };

/**
 * Differential: the newest set (D-024); cumulative: the newest full (D-025). Only sets of the same resource whose chain is
 * whole and good, and whose end lies on the way to the branch that is written now (design §5), none of a time that was given up. What the catalog does not
 * know of the live timeline, the agent decides.
 */
export function chooseBase({ resourceId, wanted, log, unusable }: BaseWish): BaseChoice {
  const own = log.sets.filter((set) => set.resourceId === resourceId);
  if (!own.some((set) => set.type === 'full')) return { reason: 'the pool holds no full set of it yet' };
  const { usable, excluded } = sortUsable(log.sets, unusable);
  const candidates = usable.filter(
    (set) => set.resourceId === resourceId && (wanted === 'differential' || set.type === 'full'),
  );
  const route = routeOf(resourceId, log);
  const givenUp = givenUpSets(log);
  const [best] = candidates.filter((set) => isOnRoute(set, route) && !givenUp.has(set.setId)).sort(newestFirst);
  if (best !== undefined) return { base: best };
  const [beside] = [...candidates].sort(newestFirst);
  if (beside !== undefined) return { reason: ofGivenUp(beside, givenUp) ?? besideRoute(beside, route) };
  const [worst] = excluded.filter(({ set }) => set.resourceId === resourceId).sort((a, b) => newestFirst(a.set, b.set));
  return { reason: worst === undefined ? 'no set of it is whole' : `${worst.set.setId} is no base: ${worst.reason}` };
}

const newestFirst = (a: SetSummary, b: SetSummary): number =>
  b.timeline - a.timeline || compareLsn(b.endLsn, a.endLsn) || (a.setId < b.setId ? 1 : -1);

/** The way to the branch that this resource writes; other resources of the same system id may write branches of their own. */
function routeOf(resourceId: ResourceId, log: CommittedLog): readonly RouteStep[] {
  const branches = branchesOf(log);
  const isOwn = ({ resourceId: id }: { readonly resourceId: ResourceId }): boolean => id === resourceId;
  const current = currentBranch(branchesOf({ sets: log.sets.filter(isOwn), batches: log.batches.filter(isOwn) }));
  const known = current === undefined ? undefined : branches.get(current.branchId);
  return known === undefined ? [] : routeTo(known, branches);
}

function isOnRoute(set: SetSummary, route: readonly RouteStep[]): boolean {
  const step = route.find((each) => each.branchId === set.branchId);
  return step !== undefined && (step.to === undefined || compareLsn(set.endLsn, step.to) <= 0);
}

function besideRoute(set: SetSummary, route: readonly RouteStep[]): string {
  const [last] = route.slice(-1);
  const now =
    last === undefined ? 'the timeline written now' : `timeline ${String(last.timeline)}, which is written now`;
  return `${set.setId} ends at LSN ${set.endLsn} of timeline ${String(set.timeline)}, which does not lead to ${now}`;
}

function ofGivenUp({ setId }: SetSummary, givenUp: ReadonlyMap<SetId, SetSummary>): string | undefined {
  const teller = givenUp.get(setId);
  if (teller === undefined) return undefined;
  const { setId: later, endLsn } = teller;
  return `${setId} is of a time that was given up: ${later}, made later, ends at LSN ${endLsn} before it, so an earlier state of the instance was put back in between`;
}
