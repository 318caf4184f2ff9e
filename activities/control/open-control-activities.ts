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

/** The steps of the control queue over the catalog and the lanes. */
export const openControlActivities = (deps: ControlDeps): ControlActivities => ({
  openScheduledRun: step(openScheduledRun(deps)),
  recordRun: step(recordRun(deps)),
  enterLane: step(enterLane(deps)),
  markRunning: step(markRunning(deps)),
  markPaused: step(markPaused(deps)),
  recordSet: step(recordSet(deps)),
  closeRun: step(closeRun(deps)),
  tellOutcome: step(tellOutcome(deps)),
});
