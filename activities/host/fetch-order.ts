import type { Order, OrderOf } from '#core/agent/order.ts';
import { bug } from '#core/errors/fail.ts';
import type { AgentChannel } from '#core/ports/host-work.ts';
import type { JobStep } from '#core/ports/job-table.ts';
import type { RateLimits } from '#core/run/rate.ts';
import { untilAvailable } from './until-available.ts';

const isKind = <K extends Order['kind']>(order: Order, kind: K): order is OrderOf<K> => order.kind === kind;

/** Reads the order of a run from the API, never from the payload; waits while the API is away. */
export async function fetchOrder<K extends Order['kind']>(
  channel: AgentChannel,
  kind: K,
  step: JobStep,
): Promise<OrderOf<K>> {
  const order: Order = await untilAvailable(() => channel.order(step.runId), step.signal);
  if (!isKind(order, kind)) throw bug(`run ${step.runId} is a ${order.kind}, its workflow asked for a ${kind}`);
  step.startLimits(limitsOf(order));
  return order;
}

function limitsOf(order: Order): RateLimits {
  if ('options' in order) return order.options.limits;
  return 'limits' in order ? order.limits : {};
}
