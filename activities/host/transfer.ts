import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';

/** Puts databases or tables of a point into a live instance. */
export const recoverDatabases =
  ({ work, channel, jobs }: HostDeps): HostActivities['recoverDatabases'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const report = await work.recoverDatabases(await fetchOrder(channel, 'database-recovery', step), step);
      return { warnings: report.warnings, report: { ...report } };
    });

/** Drops what a transfer kept, or puts it back. */
export const settleTransfer =
  ({ work, channel, jobs }: HostDeps): HostActivities['settleTransfer'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const report = await work.settleTransfer(await fetchOrder(channel, 'settle-transfer', step), step);
      return { warnings: [], report: { ...report } };
    });

/** Puts databases or tables of a logical set into a live instance. */
export const restoreLogicalSet =
  ({ work, channel, jobs }: HostDeps): HostActivities['restoreLogicalSet'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const report = await work.restoreLogicalSet(await fetchOrder(channel, 'logical-restore', step), step);
      return { warnings: report.warnings, report: { ...report } };
    });
