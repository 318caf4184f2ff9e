import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';

/** Reads a logical set back, or deletes the sets that were shown. The step itself tells the API of each. */
export const careForLogicalSets =
  ({ work, channel, jobs }: HostDeps): HostActivities['careForLogicalSets'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const { report, warnings } = await work.careForLogicalSets(await fetchOrder(channel, 'logical-care', step), step);
      return { warnings, report };
    });
