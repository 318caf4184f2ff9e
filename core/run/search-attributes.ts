import type { JobId, PoolId, ResourceId } from '../id.ts';

/**
 * Names by which an operator finds runs in Temporal Web, all of the type Keyword. They are not sealed, so their values are
 * ids and states, never names. Durable: changing one is a format change (style §3.4).
 */
export const searchAttributes = {
  kind: 'HoldfastKind',
  state: 'HoldfastState',
  job: 'HoldfastJob',
  resource: 'HoldfastResource',
  pool: 'HoldfastPool',
} as const;

/** What a run is about, for those attributes. */
export interface RunSubjects {
  readonly jobId: JobId;
  readonly resourceId?: ResourceId;
  readonly poolId?: PoolId;
}
