import type { HostActivities, HostDeps } from './host-activities.ts';

/** Pauses a run that works on this host, or lets it go on (design §4). */
export const setPaused =
  ({ jobs }: HostDeps): HostActivities['setPaused'] =>
  (runId, isPaused) =>
    jobs.setPaused(runId, isPaused);
