import type { RunId, SetId } from '#core/id.ts';
import type { LaneDoor } from '#core/ports/lane-door.ts';
import type { OutcomeTeller } from '#core/ports/outcome-teller.ts';
import type { RunBook, RunOutcome, RunTicket } from '#core/ports/run-book.ts';
import type { LaneRequest, LaneVerdict } from '#core/run/work-order.ts';

/** What the control activities reach the world through. */
export interface ControlDeps {
  readonly book: RunBook;
  readonly door: LaneDoor;
  readonly teller: OutcomeTeller;
}

/** Durable activity names of the control queue. Each call is safe to repeat. */
export interface ControlActivities {
  recordRun(runId: RunId): Promise<RunTicket>;
  enterLane(request: LaneRequest): Promise<LaneVerdict>;
  markRunning(runId: RunId): Promise<void>;
  markPaused(runId: RunId, isPaused: boolean): Promise<void>;
  recordSet(runId: RunId, setId: SetId): Promise<void>;
  closeRun(runId: RunId, outcome: RunOutcome): Promise<void>;
  /** After `closeRun`: the outside hears of it at least once. */
  tellOutcome(runId: RunId): Promise<void>;
}
