import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';

/** Fetches log into an empty directory of the host; what of the range is missing is a warning (K-091). */
export const restoreLog =
  ({ work, channel, jobs }: HostDeps): HostActivities['restoreLog'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const report = await work.restoreLog(await fetchOrder(channel, 'log-restore', step), step);
      const warnings = report.missing.map(({ what }) => ({ code: 'log_gap', detail: what }));
      return { warnings, report: { ...report, missing: report.missing.map(({ what }) => what) } };
    });
