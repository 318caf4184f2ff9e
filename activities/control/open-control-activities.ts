import { beating } from '../beating.ts';
import { step } from '../failure.ts';
import { closeRun } from './close-run.ts';
import type { ControlActivities, ControlDeps } from './control-activities.ts';
import { enterLane } from './enter-lane.ts';
import { markPaused } from './mark-paused.ts';
import { markRunning } from './mark-running.ts';
import { openScheduledRun } from './open-scheduled-run.ts';
import { recordRun } from './record-run.ts';
import { recordSet } from './record-set.ts';
import { tellOutcome } from './tell-outcome.ts';

/** The steps of the control queue over the catalog and the lanes. Each may wait: for a catalog that is slow, or for a lane that replays. */
export const openControlActivities = (deps: ControlDeps): ControlActivities => ({
  openScheduledRun: beating(step(openScheduledRun(deps))),
  recordRun: beating(step(recordRun(deps))),
  enterLane: beating(step(enterLane(deps))),
  markRunning: beating(step(markRunning(deps))),
  markPaused: beating(step(markPaused(deps))),
  recordSet: beating(step(recordSet(deps))),
  closeRun: beating(step(closeRun(deps))),
  tellOutcome: beating(step(tellOutcome(deps))),
});
