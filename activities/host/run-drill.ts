import { fail } from '#core/errors/fail.ts';
import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';

/** Drills: a failed check is a failed run, what could not be looked at is a warning (K-092). */
export const runDrill =
  ({ work, channel, jobs }: HostDeps): HostActivities['runDrill'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const asked = await fetchOrder(channel, 'drill', step);
      const verdict = await work.runDrill(asked, step, {
        tell: (facts) => untilAvailable(() => channel.tellDrill(order.runId, facts), step.signal),
        confirmTarget: (token) => untilAvailable(() => channel.confirmTarget(order.runId, token), step.signal),
        // Why once: it is asked when the step is cancelled, too, and nobody waits then; what is left is cleaned up later.
        closeReport: () => channel.closeReport(order.runId),
      });
      const { isPassed, failed, skipped, ...measured } = verdict;
      if (!isPassed)
        throw fail('drill_failed', { resource: asked.resourceId, found: failed.join('; '), run: order.runId });
      const warnings = skipped.map((detail) => ({ code: 'drill_check_skipped', detail }));
      return { warnings, report: { ...measured, setId: asked.plan.setId } };
    });
