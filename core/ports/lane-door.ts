import type { LaneRequest, LaneVerdict } from '../run/work-order.ts';

/** The way into a lane: a workflow cannot send an update, so a control activity asks through this (design §4 "Lanes"). */
export interface LaneDoor {
  /** Idempotent by run id; starts the lane workflow when it does not run. */
  enter(request: LaneRequest): Promise<LaneVerdict>;
}
