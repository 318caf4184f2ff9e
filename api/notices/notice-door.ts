import type { AddressGuard } from './address-guard.ts';

/** The part of the API that tells others what happened. */
export interface Notices {
  readonly guard: AddressGuard;
  readonly canMail: boolean;
  /** Begins to deliver. */
  start(): void;
  /** Delivers what is due now instead of within a second. */
  wake(): void;
  close(): Promise<void>;
}
