import type { KnownBranch } from '#core/log/branches.ts';
import { branchesOf, routeTo } from '#core/log/branches.ts';
import type { RouteStep } from '#core/log/timeline.ts';
import type { Reached } from '#core/restore/recovery/stop-branch.ts';
import { stopsBefore } from '#core/restore/recovery/stop-branch.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { YoungerBranch } from './plan.ts';

/**
 * The highest timeline is followed unless one is named, also when it is one that nobody wants: a copy or an old standby that was
 * promoted by mistake, whose log got into the archive. What tells is that another branch was still written when that one was no longer:
 * of those the one that is known longest, in the pool that is read or in others. One that parts only behind the stop does not count.
 * Undefined when there is none, and when the timeline was named.
 */
export function youngerBranch(request: RestoreRequest, located: Reached): YoungerBranch | undefined {
  const { target, timeline, isTimelineFound = false, log, elsewhere = [] } = request;
  if (target.at === 'immediate' || (timeline !== undefined && !isTimelineFound)) return undefined;
  const branches = branchesOf({ ...log, batches: [...log.batches, ...elsewhere] });
  const followed = branches.get(located.branchId);
  if (followed === undefined) return undefined;
  // The latest point of the one branch gives the other up even where its own log ends right at the split.
  const isLeft = (split: number): boolean => target.at === 'latest' || !isBefore(located, split);
  const isWritten = ({ writers }: KnownBranch): boolean => log.owner === undefined || writers.has(log.owner);
  const younger = [...branches.values()].flatMap((branch): Younger[] => {
    const split = splitOf(routeTo(followed, branches), routeTo(branch, branches));
    const isYounger = branch !== followed && isWritten(branch) && branch.latest > followed.latest;
    const isGivenUp = isYounger && split !== undefined && isLeft(split) && hasLogBehind(branch, split);
    return isGivenUp ? [{ branch, split }] : [];
  });
  const [best] = younger.sort((a, b) => (a.branch.latest > b.branch.latest ? -1 : 1));
  if (best === undefined) return undefined;
  return {
    ...{ followed: followed.timeline, followedUntil: followed.latest, split: formatLsn(best.split) },
    ...{ timeline: best.branch.timeline, until: best.branch.latest },
  };
}

interface Younger {
  readonly branch: KnownBranch;
  /** Where it parts from the branch that is followed. */
  readonly split: number;
}

/** Where two ways part: as far as the first of them stays on the last branch that they share; undefined when they share none. */
function splitOf(one: readonly RouteStep[], other: readonly RouteStep[]): number | undefined {
  const parting = one.findIndex((step, i) => !isSame(step, other[i]));
  const shared = parting === -1 ? one.length : parting;
  const ends = [one[shared - 1]?.to, other[shared - 1]?.to].flatMap((to) =>
    to === undefined ? [] : [lsnToNumber(to)],
  );
  return ends.length === 0 ? undefined : Math.min(...ends);
}

const isSame = (a: RouteStep, b: RouteStep | undefined): boolean =>
  a.timeline === b?.timeline && a.branchId === b.branchId;

/** Records, not bytes: a segment that was closed by a switch right at the split has nothing behind it. */
const hasLogBehind = ({ segments }: KnownBranch, split: number): boolean =>
  [...segments.values()].some(({ segment }) => lsnToNumber(segment.lastRecord) >= split);

/** Whether recovery certainly stops before a split: in a segment that ends there, or by what is known of the segment it stops in. */
function isBefore(located: Reached, split: number): boolean {
  const { segment } = located.segments.slice(-1)[0] ?? {};
  if (segment === undefined) return lsnToNumber(located.lsn) < split;
  return lsnToNumber(segment.to) <= split || stopsBefore(located, segment, split);
}

/** The same in words, with what to do about it. A branch that is no lower is known in other pools only: else it would be followed. */
export function youngerText({ followed, followedUntil, split, timeline, until }: YoungerBranch): string {
  const [one, other] = [`timeline ${String(followed)}`, `timeline ${String(timeline)}`];
  if (timeline >= followed)
    return `LEAVES YOUNGER LOG: ${one} is followed because the pool that is read knows no later one, and it is known up to ${followedUntil} only; ${other} of another pool was written longer, up to ${until}, and the two part at LSN ${split}. If ${other} is wanted, bring a set and the log of both into one pool (\`holdfast pool copy\`), and plan with that one`;
  return `LEAVES YOUNGER LOG: ${one} is followed because its number is the highest, and it is known up to ${followedUntil} only; ${other} was written longer, up to ${until}, and the two part at LSN ${split}. If ${one} began by mistake, plan with --timeline ${String(timeline)}`;
}
