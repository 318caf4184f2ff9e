import { bug } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { logicalMetaKey, logicalPrefix } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import type { LogicalSetSummary } from '#core/logical/set-summary.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openLogicalSet } from './open-logical-set.ts';

/** A committed logical set of a pool; one that cannot be read does not hide the others. */
export type ListedLogicalSet =
  | { readonly setId: SetId; readonly summary: LogicalSetSummary }
  | { readonly setId: SetId; readonly error: HoldfastError };

const shape = /^logical\/(set_[0-9a-f]{32})\/meta$/;

/** Every committed logical set of a pool in order of its id, which is the order of creation. Throws `pool_unreachable`. */
export async function* listLogicalSets(pool: Pool): AsyncIterable<ListedLogicalSet> {
  for await (const { key } of pool.store.list(logicalPrefix())) {
    const found = shape.exec(key);
    if (found !== null) yield await listed(pool, parseId('set', found[1] ?? ''));
  }
}

async function listed(pool: Pool, setId: SetId): Promise<ListedLogicalSet> {
  try {
    return { setId, summary: (await openLogicalSet(pool, setId)).meta.summary };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw bug(`reading ${logicalMetaKey(setId)} failed`, error);
    // Only damage is a fact about the set; an unreachable pool says nothing about it.
    if (error.class === 'unavailable') throw error;
    return { setId, error };
  }
}
