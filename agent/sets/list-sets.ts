import type { SetSummary } from '#core/backup/set-summary.ts';
import { bug } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { setMetaKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import type { Pool } from '../pools/open-pool.ts';
import { openSet } from './open-set.ts';

/** A committed set of a pool; one that cannot be read does not hide the others. */
export type ListedSet =
  { readonly setId: SetId; readonly summary: SetSummary } | { readonly setId: SetId; readonly error: HoldfastError };

const shape = /^sets\/(set_[0-9a-f]{32})\/meta$/;

async function listed(pool: Pool, setId: SetId): Promise<ListedSet> {
  try {
    return { setId, summary: (await openSet(pool, setId)).meta.summary };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw bug(`reading ${setMetaKey(setId)} failed`, error);
    // Only damage is a fact about the set; an unreachable pool says nothing about it.
    if (error.class === 'unavailable') throw error;
    return { setId, error };
  }
}

/** Every committed set of a pool in order of its id, which is the order of creation. Throws `pool_unreachable`. */
export async function* listSets(pool: Pool): AsyncIterable<ListedSet> {
  for await (const { key } of pool.store.list('sets/')) {
    const found = shape.exec(key);
    if (found !== null) yield await listed(pool, parseId('set', found[1] ?? ''));
  }
}
