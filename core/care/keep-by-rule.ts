import type { SetSummary } from '../backup/set-summary.ts';
import { instantFromMicros, microsOfInstant } from '../instant.ts';
import type { Instant } from '../instant.ts';
import type { KnownBranch } from '../log/branches.ts';
import { currentBranch, routeTo } from '../log/branches.ts';
import { generationsOf } from './generations.ts';
import type { GenerationCounts, RetentionPolicy } from './policy.ts';
import type { Keeping, SystemWorld } from './world.ts';
import { isOnRoute, keep } from './world.ts';

/** What a rule left to say about log. */
export interface KeptByRule {
  /** True for a kept set from which log leads on; of others only the log of their own making stays. */
  readonly leadsLog: (set: SetSummary, kept: readonly SetSummary[]) => boolean;
}

const dayMicros = 86_400_000_000;
const before = (now: Instant, days: number): Instant => instantFromMicros(microsOfInstant(now) - days * dayMicros);

/** What the rule itself keeps, and what is kept under every rule: the newest good sets and the minimum of good fulls. */
export function keepByRule(world: SystemWorld, policy: RetentionPolicy, keeping: Keeping): KeptByRule {
  const onCurrent = goodOnCurrent(world);
  keepNewest(world, onCurrent, { minimum: policy.minimumFulls, keeping });
  const from = ruleFrom(world, policy, { onCurrent, keeping });
  keepRecentDamaged(world, from, keeping);
  const logFrom = policy.logDays === undefined ? from : later(from, before(world.now, policy.logDays));
  const isWindowLike = policy.rule.kind === 'window' || policy.logDays !== undefined;
  return { leadsLog: (set, kept) => leads(set, { world, kept, logFrom, isWindowLike }) };
}

const later = (a: Instant | undefined, b: Instant): Instant => (a === undefined || a < b ? b : a);

/**
 * Good sets on the way to the branch that the resource writes now, never to that of a copy which became an instance of its
 * own; after a change of branch without a set yet, all good ones.
 */
function goodOnCurrent({ good, branches, resourceId }: SystemWorld): readonly SetSummary[] {
  const current = currentBranch(branches, resourceId);
  const route = current === undefined ? [] : routeTo(current, branches);
  const usable = good.filter((set) => isOnRoute(set, route));
  return usable.length > 0 ? usable : good;
}

interface Least {
  readonly minimum: number;
  readonly keeping: Keeping;
}

function keepNewest({ good }: SystemWorld, onCurrent: readonly SetSummary[], { minimum, keeping }: Least): void {
  const [newest] = good.slice(-1);
  const [current] = onCurrent.slice(-1);
  if (newest !== undefined) keep(keeping, newest.setId, 'newest-good', 'it is the newest good set');
  if (current !== undefined && current !== newest)
    keep(keeping, current.setId, 'newest-good', 'it is the newest good set of the branch that is written now');
  const fulls = onCurrent.filter(({ type }) => type === 'full').slice(-Math.max(1, minimum));
  for (const { setId } of fulls)
    keep(
      keeping,
      setId,
      'minimum',
      minimum > 1
        ? `one of the ${String(minimum)} good fulls that are always kept`
        : 'the one good full that is always kept',
    );
}

interface Ruling {
  readonly onCurrent: readonly SetSummary[];
  readonly keeping: Keeping;
}

/** Keeps what the rule names. Returns the moment from which on it keeps every set and the log; undefined: from the first. */
function ruleFrom(world: SystemWorld, { rule }: RetentionPolicy, ruling: Ruling): Instant | undefined {
  switch (rule.kind) {
    case 'fulls':
      return keepLastFulls(world, rule.count, ruling);
    case 'window':
      return keepWindow(world, rule.days, ruling.keeping);
    case 'generations':
      return keepGenerations(world, rule, ruling);
  }
}

function keepLastFulls({ own }: SystemWorld, count: number, { onCurrent, keeping }: Ruling): Instant | undefined {
  const fulls = onCurrent.filter(({ type }) => type === 'full').slice(-count);
  const from = fulls.length < count ? undefined : fulls[0]?.endedAt;
  const isCounted = new Set(fulls.map(({ setId }) => setId));
  // Why: a merged full has the time of the incremental that it was made of; that one is not newer.
  const isMerged = new Set(fulls.map(({ mergedFrom }) => mergedFrom?.setId));
  for (const { setId, endedAt } of own) {
    if (endedAt === from && isMerged.has(setId)) continue;
    if (isCounted.has(setId))
      keep(
        keeping,
        setId,
        'by-rule',
        count === 1 ? 'the last good full' : `one of the last ${String(count)} good fulls`,
      );
    else if (from === undefined)
      keep(
        keeping,
        setId,
        'by-rule',
        count === 1 ? 'there is no good full' : `there are fewer than ${String(count)} good fulls`,
      );
    else if (endedAt >= from)
      keep(
        keeping,
        setId,
        'by-rule',
        count === 1 ? 'newer than the last good full' : `newer than the oldest of the last ${String(count)} good fulls`,
      );
  }
  return from;
}

/** All that ended inside the window, and on each branch the good set from which its first moment is reached. */
function keepWindow(world: SystemWorld, days: number, keeping: Keeping): Instant {
  const from = before(world.now, days);
  for (const { setId, endedAt } of world.own)
    if (endedAt > from) keep(keeping, setId, 'by-rule', `it ended in the last ${String(days)} days`);
  for (const { setId } of startsAt(world, world.good, from))
    keep(keeping, setId, 'window-start', `points since ${from} are reached from it`);
  return from;
}

/** On each branch that was written at or after a moment: the newest of some sets that ended by then and leads to it. */
function startsAt(world: SystemWorld, sets: readonly SetSummary[], from: Instant): readonly SetSummary[] {
  const { branches } = world;
  const ended = sets.filter(({ endedAt }) => endedAt <= from);
  const newestTo = (branch: KnownBranch): SetSummary | undefined => {
    const route = routeTo(branch, branches);
    return ended.filter((set) => isOnRoute(set, route)).slice(-1)[0];
  };
  return [...branches.values()].filter(({ latest }) => latest >= from).flatMap((branch) => newestTo(branch) ?? []);
}

/** The fulls of the generations, and the incrementals on those of the days. Log leads on from the oldest of the days. */
function keepGenerations(
  world: SystemWorld,
  counts: GenerationCounts,
  { onCurrent, keeping }: Ruling,
): Instant | undefined {
  const fulls = onCurrent.filter(({ type }) => type === 'full');
  const generations = generationsOf(fulls, counts);
  for (const { setId, name } of generations) keep(keeping, setId, 'generation', name);
  const ofDays = new Set(generations.filter(({ period }) => period === 'daily').map(({ setId }) => setId));
  const [newest] = fulls.slice(-1);
  if (ofDays.size === 0 && newest !== undefined) ofDays.add(newest.setId);
  for (const { setId, base } of world.own)
    if (base !== undefined && ofDays.has(base.fullSetId))
      keep(keeping, setId, 'chain-of', `it builds on ${base.fullSetId}, which is kept for its day`);
  const from = fulls.find(({ setId }) => ofDays.has(setId))?.endedAt;
  const onWay = new Set(onCurrent.map(({ setId }) => setId));
  for (const { setId, endedAt } of world.good)
    if (!onWay.has(setId) && (from === undefined || endedAt >= from))
      keep(keeping, setId, 'by-rule', 'a set of another branch, newer than the oldest full of the days');
  return from;
}

/** Damaged sets as young as what the rule keeps stay for a look. */
function keepRecentDamaged({ own, good }: SystemWorld, from: Instant | undefined, keeping: Keeping): void {
  const isGood = new Set(good.map(({ setId }) => setId));
  for (const { setId, endedAt } of own)
    if (!isGood.has(setId) && (from === undefined || endedAt >= from))
      keep(keeping, setId, 'damaged-recent', 'it cannot be restored, and is no older than what the rule keeps');
}

interface Leading {
  readonly world: SystemWorld;
  readonly kept: readonly SetSummary[];
  readonly logFrom: Instant | undefined;
  /** True when points between the begin and the first set after it are promised too. */
  readonly isWindowLike: boolean;
}

function leads(set: SetSummary, { world, kept, logFrom, isWindowLike }: Leading): boolean {
  if (logFrom === undefined || set.endedAt >= logFrom) return true;
  if (!isWindowLike) return false;
  const isGood = new Set(world.good.map(({ setId }) => setId));
  const good = kept.filter(({ setId }) => isGood.has(setId));
  return startsAt(world, good, logFrom).some(({ setId }) => setId === set.setId);
}
