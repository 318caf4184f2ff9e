import type { InstanceAccess } from '../agent/order.ts';
import type { Lsn } from '../wal/lsn.ts';

/**
 * What shall become of the replication slot that an ended stream of log may have left on its server. `wait`: a stream of that resource
 * is open and has it, or will. `drop`: a person ended the stream, nobody wants the slot. `keep`: the stream failed, the next one goes on
 * with it. `instance` is absent while the login is not known.
 */
export interface SlotVerdict {
  readonly verdict: 'wait' | 'drop' | 'keep';
  readonly instance?: InstanceAccess;
}

/** What an agent found of the slot of an ended stream. */
export type SlotTold =
  | { readonly state: 'gone' }
  | {
      readonly state: 'left';
      readonly slot: string;
      /** Log that the server cannot remove because of it. */
      readonly keptBytes: number;
      readonly from: Lsn;
    };
