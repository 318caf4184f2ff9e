import type { ControlActivities, ControlDeps } from './control-activities.ts';

/** A run that waited for its lane has begun. */
export const markRunning =
  ({ book }: ControlDeps): ControlActivities['markRunning'] =>
  (runId) =>
    book.begin(runId);
