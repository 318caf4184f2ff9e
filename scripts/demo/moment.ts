import type { TableProof } from './workload.ts';

/** What the source said at the moment to come back to. */
export interface Moment {
  readonly time: string;
  readonly tables: readonly TableProof[];
  readonly notes: readonly string[];
  /** Tables of the other database. */
  readonly shop: readonly TableProof[];
}
