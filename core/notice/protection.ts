import type { PoolId, ResourceId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { LogGap } from '../log/timeline.ts';

/** How far a resource can be recovered, over all pools, by the same coverage that a restore is planned with (design §6). */
export interface Protection {
  /** Wall time up to which everything can be recovered; undefined: there is nothing to recover. */
  readonly coveredUntil?: Instant;
  /** Log that is missing on the branch that is written now, per pool. */
  readonly gaps: readonly { readonly poolId: PoolId; readonly pool: string; readonly gap: LogGap }[];
}

/** Coverage of resources, computed anew only when what is committed has changed. */
export interface Protections {
  of(resource: { readonly id: ResourceId; readonly systemId: string }): Promise<Protection>;
}
