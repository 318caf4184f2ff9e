import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';

/** Writes files of a set into an empty directory of the host. */
export const extractSet =
  ({ work, channel, jobs }: HostDeps): HostActivities['extractSet'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const report = await work.extractSet(await fetchOrder(channel, 'extract-set', step), step);
      return { warnings: [], report: { ...report } };
    });
