import type { SetId } from '../id.ts';
import type { SetSummary } from './set-summary.ts';

/** What a set needs to be restored: the full first, itself last (备份链). `missing` is named by `neededBy` as its base. */
export type Chain =
  | { readonly isComplete: true; readonly sets: readonly SetSummary[] }
  | { readonly isComplete: false; readonly missing: SetId; readonly neededBy: SetId };

export type SetsById = ReadonlyMap<SetId, SetSummary>;

export const byId = (sets: readonly SetSummary[]): SetsById => new Map(sets.map((set) => [set.setId, set]));

/** Follows the bases of a set down to its full. A ring of bases counts as incomplete: no pool of ours can hold one. */
export function chainOf(set: SetSummary, known: SetsById): Chain {
  const sets = [set];
  const seen = new Set([set.setId]);
  for (let top = set; top.base !== undefined;) {
    const { setId } = top.base;
    const base = known.get(setId);
    if (base === undefined || seen.has(setId)) return { isComplete: false, missing: setId, neededBy: top.setId };
    seen.add(setId);
    sets.unshift(base);
    top = base;
  }
  return { isComplete: true, sets };
}

/** Sets that cannot be restored without this one, in order of their ids. */
export function dependentsOf(setId: SetId, sets: readonly SetSummary[]): readonly SetSummary[] {
  const known = byId(sets);
  return sets
    .filter((each) => each.setId !== setId && isInChain(setId, each, known))
    .sort((a, b) => (a.setId < b.setId ? -1 : 1));
}

function isInChain(setId: SetId, set: SetSummary, known: SetsById): boolean {
  const chain = chainOf(set, known);
  return chain.isComplete ? chain.sets.some((each) => each.setId === setId) : chain.missing === setId;
}
