import type { OrderOf } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import type { WorkResult } from '#core/run/work-order.ts';
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
      return demandSound(asked, await work.verifySet(asked, step), step);
    });

/** Tells of each damage in the log of the run. Throws `set_damaged` when there is any. */
export function demandSound(
  asked: OrderOf<'verify-set'>,
  { warnings = [], ...verified }: VerifyReport,
  step: StepContext,
): WorkResult {
  const { damage, damageCount = damage.length } = verified;
  const [first] = damage;
  for (const { object, what } of damage.slice(0, mostTold)) step.log({ level: 'error', message: `${object}: ${what}` });
  if (first !== undefined) {
    const { object, what } = first;
    throw fail('set_damaged', { set: asked.setId, count: String(damageCount), object, what });
  }
  return { warnings, report: { sets: [asked.setId], ...verified, depth: asked.depth } };
}
