import type { ControlActivities, ControlDeps } from './control-activities.ts';

/** Tells the outside how a run ended; what is told twice is kept once. */
export const tellOutcome =
  ({ teller }: ControlDeps): ControlActivities['tellOutcome'] =>
  (runId) =>
    teller.tellOutcome(runId);
