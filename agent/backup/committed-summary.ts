import type { SetSummary } from '#core/backup/set-summary.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { SetId } from '#core/id.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openSet } from '#agent/sets/open-set.ts';

/** Summary of a set that an earlier attempt committed, whose answer was lost; undefined when none did. */
export async function committedSummary(pool: Pool, setId: SetId): Promise<SetSummary | undefined> {
  try {
    const set = await openSet(pool, setId);
    await set.close();
    return set.meta.summary;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'set_not_committed') return undefined;
    throw error;
  }
}
