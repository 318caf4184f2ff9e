import type { SetId } from '../id.ts';
import type { SetsById } from './chain.ts';
import { byId, chainOf } from './chain.ts';
import type { SetSummary } from './set-summary.ts';

/** Sets that must not be read, each with the reason in words: found damaged, or quarantined. */
export type UnusableSets = ReadonlyMap<SetId, string>;

export interface ExcludedSet {
  readonly set: SetSummary;
  readonly reason: string;
}

export interface SortedSets {
  readonly usable: readonly SetSummary[];
  readonly excluded: readonly ExcludedSet[];
}

/** Keeps the sets whose whole chain is there and may be read; each of the others is named with what is wrong in its chain. */
export function sortUsable(sets: readonly SetSummary[], unusable: UnusableSets): SortedSets {
  const known = byId(sets);
  const usable: SetSummary[] = [];
  const excluded: ExcludedSet[] = [];
  for (const set of sets) {
    const reason = reasonAgainst(set, known, unusable);
    if (reason === undefined) usable.push(set);
    else excluded.push({ set, reason });
  }
  return { usable, excluded };
}

function reasonAgainst(set: SetSummary, known: SetsById, unusable: UnusableSets): string | undefined {
  const own = unusable.get(set.setId);
  if (own !== undefined) return own;
  const chain = chainOf(set, known);
  if (!chain.isComplete) return `${chain.missing}, the base of ${chain.neededBy}, is not there`;
  const bad = chain.sets.find((each) => unusable.has(each.setId));
  return bad === undefined ? undefined : `it builds on ${bad.setId}: ${unusable.get(bad.setId) ?? ''}`;
}
