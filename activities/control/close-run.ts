import type { ControlActivities, ControlDeps } from './control-activities.ts';

/** Writes the last word on a run. */
export const closeRun =
  ({ book }: ControlDeps): ControlActivities['closeRun'] =>
  (runId, outcome) =>
    book.close(runId, outcome);
