import { fail } from '#core/errors/fail.ts';
import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';

/** Findings in the log of a run; how many there are is in its outcome. */
const mostTold = 20;

/** Reads a set back and checks it. Damage is a failed run, not a warning. */
export const verifySet =
  ({ work, channel, jobs }: HostDeps): HostActivities['verifySet'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const asked = await fetchOrder(channel, 'verify-set', step);
      const { warnings = [], ...verified } = await work.verifySet(asked, step);
      const { damage, damageCount = damage.length } = verified;
      const [first] = damage;
      for (const { object, what } of damage.slice(0, mostTold))
        step.log({ level: 'error', message: `${object}: ${what}` });
      if (first !== undefined) {
        throw fail('set_damaged', {
          set: asked.setId,
          count: String(damageCount),
          object: first.object,
          what: first.what,
        });
      }
      return { warnings, report: { sets: [asked.setId], ...verified, depth: asked.depth } };
    });
