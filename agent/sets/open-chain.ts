import type { SetId } from '#core/id.ts';
import type { Pool } from '../pools/open-pool.ts';
import type { OpenSet } from './open-set.ts';
import { openSet } from './open-set.ts';

/** A set and those it builds on, the newest first, a full last; a full alone is a chain of one. */
export type SetChain = readonly [OpenSet, ...OpenSet[]];

/**
 * Opens a set with all that it builds on; each base is proven by the link to it. Throws `set_base_missing` and
 * `set_base_damaged`, which name both sets, and what `openSet` throws.
 */
export const openChain = async (pool: Pool, setId: SetId): Promise<SetChain> => chainFrom(await openSet(pool, setId));

/** The same of a set that is open. */
export async function chainFrom(newest: OpenSet): Promise<SetChain> {
  const chain: [OpenSet, ...OpenSet[]] = [newest];
  for (let base = await newest.openBase(); base !== undefined; base = await base.openBase()) chain.push(base);
  return chain;
}
