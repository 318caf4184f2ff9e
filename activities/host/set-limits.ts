import type { HostActivities, HostDeps } from './host-activities.ts';

/** Changes the rate limits of a run that works or will work on this host (K-085, K-086). */
export const setLimits =
  ({ jobs }: HostDeps): HostActivities['setLimits'] =>
  (runId, limits) =>
    jobs.setLimits(runId, limits);
