import type { Order } from '../agent/order.ts';
import type { PoolId, SetId } from '../id.ts';
import { lsnToNumber } from '../wal/lsn.ts';
import { segmentStart } from '../wal/segment-name.ts';

/** Log that a run reads: of one branch from a position on, or all log of a database when it writes there itself. */
export interface LogRead {
  readonly systemId: string;
  readonly branchId?: string;
  /** Byte position. */
  readonly from: number;
}

/** What a run reads in a pool and nobody may delete meanwhile (design §4 "Leases"). The bases of a set count too. */
export interface PoolReads {
  readonly poolId: PoolId;
  readonly sets: readonly SetId[];
  readonly log: readonly LogRead[];
}

/**
 * Orders that hold no lease. A logical set is not deleted while a run that reads it is open: the catalog knows who does by
 * the jobs of the runs (catalog/logical-sets.ts).
 */
const readsNothing = [
  'logical-backup',
  'logical-restore',
  'logical-care',
  'settle-transfer',
  'rebuild',
  'care',
  'no-op',
] as const;
const isReadingNothing = (order: Order): order is OrderOf<(typeof readsNothing)[number]> =>
  readsNothing.some((kind) => kind === order.kind);

/** Orders that follow a plan of what they read. */
const planned = ['restore', 'database-recovery', 'drill', 'log-restore'] as const;
type Planned = (typeof planned)[number];
const isPlanned = (order: Order): order is OrderOf<Planned> => planned.some((kind) => kind === order.kind);

/** The leases that an order needs, one entry per pool. */
export function readsOf(order: Order): readonly PoolReads[] {
  if (isReadingNothing(order)) return [];
  if (isPlanned(order)) return [readsOfPlan(order)];
  switch (order.kind) {
    case 'full-backup':
      return readsOfBackup(order);
    case 'log-backup':
      return order.pools.map(({ poolId }) => ({ poolId, sets: [], log: [allLogOf(order.instance.systemId)] }));
    case 'log-stream':
      // What of it holds a deletion up moves on with the stream: the catalog asks where it is now.
      return [{ poolId: order.pool.poolId, sets: [], log: [allLogOf(order.instance.systemId)] }];
    case 'pool-copy':
      return [
        { poolId: order.from.poolId, sets: order.task.sets, log: order.task.systems.map(allLogOf) },
        // Why log too: the copy continues the chain of batches there, and names the hash of the newest.
        { poolId: order.to.poolId, sets: order.task.bases, log: order.task.systems.map(allLogOf) },
      ];
    case 'verify-set':
    case 'extract-set':
      return [{ poolId: order.pool.poolId, sets: [order.setId], log: [] }];
    case 'merge-set':
      return [{ poolId: order.pool.poolId, sets: [order.from], log: [] }];
  }
}

function readsOfPlan(order: OrderOf<Planned>): PoolReads {
  const { poolId } = order.pool;
  if (order.kind === 'log-restore') return { poolId, sets: [], log: logOfPlan(order.plan) };
  const log = order.kind === 'drill' ? logOfPlan(order.plan) : logOfRestore(order);
  return { poolId, sets: [order.plan.setId], log };
}

const allLogOf = (systemId: string): LogRead => ({ systemId, from: 0 });

type LogPlan = Pick<OrderOf<'restore'>['plan'], 'systemId' | 'segmentBytes' | 'segments'>;
type OrderOf<K extends Order['kind']> = Extract<Order, { kind: K }>;

/** The base of an incremental, and the log since it, from which changed pages may be read. */
function readsOfBackup({ base, pool }: OrderOf<'full-backup'>): readonly PoolReads[] {
  if (base === undefined) return [];
  const { setId, systemId, branchId, beginLsn } = base.summary;
  return [{ poolId: pool.poolId, sets: [setId], log: [{ systemId, branchId, from: lsnToNumber(beginLsn) }] }];
}

/** A restore in place also writes: it saves the log that nobody has backed up yet. */
function logOfRestore({ plan }: OrderOf<'restore' | 'database-recovery'>): readonly LogRead[] {
  return plan.place.kind === 'in-place' ? [{ systemId: plan.systemId, from: 0 }] : logOfPlan(plan);
}

/** From the first segment of each branch on. */
function logOfPlan({ systemId, segmentBytes, segments }: LogPlan): readonly LogRead[] {
  const first = new Map<string, number>();
  for (const { branchId, name } of segments) {
    const at = lsnToNumber(segmentStart(name, segmentBytes));
    first.set(branchId, Math.min(at, first.get(branchId) ?? Infinity));
  }
  return [...first].map(([branchId, from]) => ({ systemId, branchId, from }));
}
