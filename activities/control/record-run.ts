import type { ControlActivities, ControlDeps } from './control-activities.ts';

/** Loads the job revision of a run: the first step, so that a schedule carries nothing but ids (design §4). */
export const recordRun =
  ({ book }: ControlDeps): ControlActivities['recordRun'] =>
  (runId) =>
    book.ticket(runId);
