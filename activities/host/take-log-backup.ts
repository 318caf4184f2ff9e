import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';

/** Stores the archived log of a resource. Its batches are told to the API by the step itself, before any file is deleted. */
export const takeLogBackup =
  ({ work, channel, jobs }: HostDeps): HostActivities['takeLogBackup'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const report = await work.takeLogBackup(await fetchOrder(channel, 'log-backup', step), step);
      return { warnings: report.warnings, report: { ...report } };
    });
