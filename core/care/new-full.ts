import type { SetSummary } from '../backup/set-summary.ts';
import type { UnusableSets } from '../backup/usable-sets.ts';
import { sortUsable } from '../backup/usable-sets.ts';
import type { ResourceId } from '../id.ts';
import type { Instant } from '../instant.ts';

export interface DamageFound {
  readonly resourceId: ResourceId;
  /** End of the damaged set, or the time up to which the damaged log is known. */
  readonly at: Instant;
  /** Sets of the database in the pool. */
  readonly sets: readonly SetSummary[];
  readonly unusable: UnusableSets;
}

/** Whether damage asks for a new full: only a good full that was begun after it makes up for it (design §5). */
export function needsNewFull({ resourceId, at, sets, unusable }: DamageFound): boolean {
  const { usable } = sortUsable(sets, unusable);
  return !usable.some((set) => set.resourceId === resourceId && set.type === 'full' && set.beganAt > at);
}
