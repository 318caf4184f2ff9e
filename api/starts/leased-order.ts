import { acquireLeases } from '#catalog/pools/leases.ts';
import { forgetDeletions } from '#catalog/pools/pool-copies.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import type { Order } from '#core/agent/order.ts';
import { readsOf } from '#core/care/reads.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Context } from '#api/context.ts';
import { keepDrillPlan } from './drill-plan.ts';
import { orderOf } from './orders.ts';

/**
 * The order of a run, with what it reads leased to it (design §4 "Leases"). A base that is deleted between its choice and
 * its lease is no failure: the agent asks again, and another base is chosen. What a copy brings back is no deleted set any
 * more. Throws what `orderOf` and `acquireLeases` throw.
 */
export async function leasedOrder(context: Context, run: RunRow): Promise<Order> {
  if (run.kind === 'drill') await keepDrillPlan(context, run);
  const order = await orderOf(context, run);
  try {
    await acquireLeases(context.catalog, run.id, readsOf(order));
    if (order.kind === 'pool-copy') await forgetDeletions(context.catalog, order.to.poolId, order.task.sets);
  } catch (error) {
    const isAboutBase =
      order.kind === 'full-backup' && error instanceof HoldfastError && error.code === 'set_being_deleted';
    if (!isAboutBase) throw error;
    throw fail('base_being_deleted', { set: error.params['set'] ?? '', run: error.params['run'] ?? '' }, error);
  }
  return order;
}
