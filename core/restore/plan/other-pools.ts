import type { UnusableSets } from '#core/backup/usable-sets.ts';
import { sortUsable } from '#core/backup/usable-sets.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { SetId } from '#core/id.ts';
import type { CommittedLog } from '#core/log/coverage.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import { withSharedBranches } from '#core/restore/shared-branches.ts';
import { planRestore } from './plan-restore.ts';
import type { RestorePlan } from './plan.ts';

/** What one pool has of a database. */
export interface HeldByPool {
  /** Its name. */
  readonly pool: string;
  /** Without what was found damaged. */
  readonly log: CommittedLog;
  readonly unusable: UnusableSets;
}

/** What leads to a point when all pools are taken together. */
export interface TogetherInPools {
  readonly setId: SetId;
  /** Names of the pools that have the set with its chain whole. */
  readonly ofSet: readonly string[];
  /** Names of those that have all log that is replayed. */
  readonly ofLog: readonly string[];
}

/**
 * Whether what all pools hold together leads to a point, and who has what of it: a restore reads set and log from one pool, but what
 * one of them lacks may lie in another. Undefined when it leads nowhere either.
 * A pool that leads there by itself comes first.
 */
export function togetherInPools(
  request: Omit<RestoreRequest, 'log'>,
  pools: readonly HeldByPool[],
): TogetherInPools | undefined {
  const all = pools.map((one) => one.log);
  for (const { pool, log, unusable } of pools) {
    const alone = planOrNone({ ...request, log: withSharedBranches(log, all), unusable });
    if (alone !== undefined) return { setId: alone.setId, ofSet: [pool], ofLog: [pool] };
  }
  const held = pools.map((one) => ({ ...one, sets: sortUsable(one.log.sets, one.unusable).usable }));
  const owner = pools.find(({ log }) => log.owner !== undefined)?.log.owner;
  const sets = new Map(held.flatMap((one) => one.sets.map((set) => [set.setId, set] as const)));
  const batches = pools.flatMap(({ log }) => log.batches);
  const log = { sets: [...sets.values()], batches, ...(owner === undefined ? {} : { owner }) };
  const plan = planOrNone({ ...request, log });
  if (plan === undefined) return undefined;
  const hasSet = held.filter((one) => one.sets.some(({ setId }) => setId === plan.setId));
  const hasLog = held.filter((one) => holdsAll(one.log, plan));
  return { setId: plan.setId, ofSet: hasSet.map(({ pool }) => pool), ofLog: hasLog.map(({ pool }) => pool) };
}

function planOrNone(request: RestoreRequest): RestorePlan | undefined {
  try {
    return planRestore(request);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

function holdsAll({ batches }: CommittedLog, { segments }: RestorePlan): boolean {
  const known = new Set(
    batches.flatMap(({ branchId, segments: held }) =>
      held.map(({ name, rawSha256 }) => `${branchId} ${name} ${rawSha256}`),
    ),
  );
  return segments.every(({ branchId, name, rawSha256 }) => known.has(`${branchId} ${name} ${rawSha256}`));
}

/** The same in words: what leads there, and what to do. */
export function togetherText({ setId, ofSet, ofLog }: TogetherInPools): {
  readonly where: string;
  readonly remedy: string;
} {
  const [both] = ofSet.filter((pool) => ofLog.includes(pool));
  if (both !== undefined) return { where: `pool ${both} does`, remedy: `Restore with \`--pool ${both}\`.` };
  const [from, to] = [ofSet[0] ?? '', ofLog[0]];
  if (to === undefined)
    return {
      where: `set ${setId} of pool ${from} and the log of several pools do together`,
      remedy: `No pool has that log whole: copy what is missing with \`holdfast pool copy --all --log\`; what is damaged has to be put back as it was, and scrubbed.`,
    };
  return {
    where: `set ${setId} of pool ${from} and the log of pool ${to} do together`,
    remedy: `Copy the set there with \`holdfast pool copy --from ${from} --to ${to} --set ${setId} --wait\`, then restore with \`--pool ${to}\`.`,
  };
}
