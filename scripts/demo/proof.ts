import type { Incremental } from './incremental.ts';
import type { Copy, Moment } from './recovery.ts';
import type { KilledFull, SetFacts } from './scenes.ts';

/** What the story leaves to be printed. */
export interface Proof {
  readonly first: SetFacts;
  readonly killed: KilledFull;
  readonly incremental: Incremental;
  readonly log: { readonly segments: number; readonly storedBytes: number };
  readonly moment: Moment;
  readonly copy: Copy;
}
