import type { JobId, RunId, SetId } from '#core/id.ts';
import type { JobBook, ScheduledRun } from '#core/ports/job-book.ts';
import type { LaneDoor } from '#core/ports/lane-door.ts';
import type { OutcomeTeller } from '#core/ports/outcome-teller.ts';
import type { RunBook, RunOutcome, RunTicket } from '#core/ports/run-book.ts';
import type { SearchIndex } from '#core/ports/search-index.ts';
import type { LaneRequest, LaneVerdict } from '#core/run/work-order.ts';

/** What the control activities reach the world through. */
export interface ControlDeps {
  readonly book: RunBook;
  readonly door: LaneDoor;
  readonly jobs: JobBook;
  readonly teller: OutcomeTeller;
  readonly search: SearchIndex;
}

/** Durable activity names of the control queue. Each call is safe to repeat. */
export interface ControlActivities {
  /** A schedule has fired for a time of its plan, in milliseconds since 1970. */
  openScheduledRun(jobId: JobId, atMs: number): Promise<ScheduledRun>;
  recordRun(runId: RunId): Promise<RunTicket>;
  enterLane(request: LaneRequest): Promise<LaneVerdict>;
  markRunning(runId: RunId): Promise<void>;
  markPaused(runId: RunId, isPaused: boolean): Promise<void>;
  recordSet(runId: RunId, setId: SetId): Promise<void>;
  closeRun(runId: RunId, outcome: RunOutcome): Promise<void>;
  /** After `closeRun`: the outside hears of it at least once. */
  tellOutcome(runId: RunId): Promise<void>;
}
