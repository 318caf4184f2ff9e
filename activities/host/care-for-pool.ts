import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';

/** Deletes exactly what a shown plan says, or collects leftovers; what had to stay is a warning of the run. */
export const careForPool =
  ({ work, channel, jobs }: HostDeps): HostActivities['careForPool'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const { warnings, ...report } = await work.careForPool(await fetchOrder(channel, 'care', step), step);
      return { warnings, report };
    });
