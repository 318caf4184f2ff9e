import type { RunId } from '#core/id.ts';
import type { AgentChannel, TellPlaces } from '#core/ports/host-work.ts';
import type { StepContext } from '#core/ports/step.ts';
import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';

/** The catalog hears of a swap before it is made: while the API is away, nothing is swapped. */
const teller =
  (channel: AgentChannel, runId: RunId, { signal }: Pick<StepContext, 'signal'>): TellPlaces =>
  (told) =>
    untilAvailable(() => channel.tellPlaced(runId, told), signal);

/** Puts databases or tables of a point into a live instance. */
export const recoverDatabases =
  ({ work, channel, jobs }: HostDeps): HostActivities['recoverDatabases'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const asked = await fetchOrder(channel, 'database-recovery', step);
      const report = await work.recoverDatabases(asked, step, teller(channel, order.runId, step));
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
      const asked = await fetchOrder(channel, 'logical-restore', step);
      const report = await work.restoreLogicalSet(asked, step, teller(channel, order.runId, step));
      return { warnings: report.warnings, report: { ...report } };
    });
