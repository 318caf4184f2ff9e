import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';

/** Executes a restore plan as it was shown; the order, and with it the consent, is read from the API (design §7). */
export const restore =
  ({ work, channel, jobs }: HostDeps): HostActivities['restore'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const report = await work.restore(await fetchOrder(channel, 'restore', step), step);
      return { warnings: report.warnings, report: { ...report } };
    });
