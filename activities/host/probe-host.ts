import type { HostActivities, HostDeps } from './host-activities.ts';

/** The fastest truth about an agent: it answers (temporal-verified §8). */
export const probeHost =
  ({ agentVersion }: HostDeps): HostActivities['probeHost'] =>
  () =>
    Promise.resolve({ agentVersion });
