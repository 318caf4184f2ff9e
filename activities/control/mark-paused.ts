import type { ControlActivities, ControlDeps } from './control-activities.ts';

/** A run was paused by a person, or goes on. */
export const markPaused =
  ({ book }: ControlDeps): ControlActivities['markPaused'] =>
  (runId, isPaused) =>
    book.moveTo(runId, isPaused ? 'paused' : 'running');
