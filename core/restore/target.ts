import type { SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Lsn } from '../wal/lsn.ts';

/** The point a restore ends at (K-095…K-097). `inclusive` as recovery_target_inclusive; default true. */
export type RestoreTarget =
  | { readonly at: 'time'; readonly time: Instant; readonly isInclusive: boolean }
  | { readonly at: 'lsn'; readonly lsn: Lsn; readonly isInclusive: boolean }
  | { readonly at: 'xid'; readonly xid: string; readonly isInclusive: boolean }
  | { readonly at: 'name'; readonly name: string }
  /** Backup state: the earliest consistent point of one set. */
  | { readonly at: 'immediate'; readonly setId?: SetId }
  | { readonly at: 'latest' };
