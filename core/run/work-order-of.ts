import type { RunId } from '../id.ts';
import type { RunTicket } from '../ports/run-book.ts';
import type { RunKind } from './run-kind.ts';
import type { WorkOrder } from './work-order.ts';

/** A run as its workflow was told of it. */
export interface StartedRun {
  readonly runId: RunId;
  readonly kind: RunKind;
  readonly queuePrefix: string;
}

/** The work of a run, as its lane and its agent hear of it. */
export function workOrderOf({ runId, kind, queuePrefix }: StartedRun, ticket: RunTicket): WorkOrder {
  const { hostId, reconnectMinutes, hooks, verifyAfter } = ticket;
  // Why: work that holds nothing still needs an id of its own, so that two of them never meet.
  const lane = ticket.lane.kind === 'none' ? { owner: runId, kind: 'none' as const } : ticket.lane;
  const order = { runId, kind, hostId, lane, reconnectMinutes, queuePrefix };
  return { ...order, ...(hooks === undefined ? {} : { hooks }), ...(verifyAfter === undefined ? {} : { verifyAfter }) };
}
