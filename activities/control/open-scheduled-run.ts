import type { ControlActivities, ControlDeps } from './control-activities.ts';

/** Records the run that a schedule fired for. The stored plan decides, not the schedule: at any other time nothing happens. */
export const openScheduledRun =
  ({ jobs }: Pick<ControlDeps, 'jobs'>): ControlActivities['openScheduledRun'] =>
  (jobId, atMs) =>
    jobs.openScheduled(jobId, atMs);
