import type { Order } from '../agent/order.ts';

/** What a run is, as jobs and lists name it. The order of an incremental is that of a full backup with a base. */
export type RunKind = Order['kind'] | 'incremental-backup';
