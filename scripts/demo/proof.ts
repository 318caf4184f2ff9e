import type { Drill } from './drill.ts';
import type { LogicalSet, RecoveredDatabase } from './parts.ts';
import type { Moment } from './moment.ts';
import type { Copy } from './recovery.ts';
import type { KilledFull, SetFacts } from './scenes.ts';
import type { TableProof } from './workload.ts';

export interface Incremental {
  readonly set: SetFacts;
  /** Where its changed pages came from, as the run says. */
  readonly changedPages: string;
  /** What the source said just before; nobody writes while the backup runs. */
  readonly tables: readonly TableProof[];
}

/** What a retention plan says of each set. */
export type RetentionProof = readonly {
  readonly setId: string;
  readonly type: string;
  readonly storedBytes: number;
  readonly isDeleted: boolean;
  readonly why: string;
}[];

/** What the story leaves to be printed. */
export interface Proof {
  readonly first: SetFacts;
  readonly killed: KilledFull;
  readonly incremental: Incremental;
  readonly log: { readonly segments: number; readonly storedBytes: number };
  readonly moment: Moment;
  readonly copy: Copy;
  readonly table: LogicalSet;
  readonly database: RecoveredDatabase;
  readonly retention: RetentionProof;
  readonly drill: Drill;
}
