import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { SharedCells } from '#agent/copy/threads/shared-control.ts';
import type { Check, Checked } from './check.ts';

/** First message to a thread: all it needs, once. */
export interface VerifySettings {
  readonly cells: SharedCells;
  readonly pool: PoolAccess;
  /** K-084: how long a thread waits for a pool that went away, in milliseconds; undefined = a few seconds. */
  readonly reconnectMs: number | undefined;
}

export type ToVerifier =
  { readonly kind: 'open'; readonly settings: VerifySettings } | { readonly kind: 'check'; readonly check: Check };

export type FromVerifier =
  | { readonly kind: 'checked'; readonly checked: Checked }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly params: Readonly<Record<string, string>>;
      readonly stack: string;
    };
