import type { SetId } from '../id.ts';
import type { LogicalSelection } from './selection.ts';

/** What is backed up and how many sets of the job are wanted. */
export interface LogicalOptions {
  readonly selection: LogicalSelection;
  /** How long a lock on a table is waited for, in seconds. */
  readonly lockWaitSeconds: number;
}

/** What is done with logical sets that are there: every byte is read and checked, or the sets that were shown are deleted. */
export type LogicalTask =
  { readonly does: 'verify'; readonly setId: SetId } | { readonly does: 'remove'; readonly sets: readonly SetId[] };

/** What a `verify` found: all of it is sound, or it would have failed. */
export interface LogicalVerifyReport {
  readonly streams: number;
  readonly frames: number;
  readonly bytes: number;
}
