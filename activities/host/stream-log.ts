import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';

/** Receives the log of a resource as it is written, until the run is cancelled. The step itself tells the API of its batches. */
export const streamLog =
  ({ work, channel, jobs }: HostDeps): HostActivities['streamLog'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const report = await work.streamLog(await fetchOrder(channel, 'log-stream', step), step);
      return { warnings: report.warnings, report: { ...report } };
    });
