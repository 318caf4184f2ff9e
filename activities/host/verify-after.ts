import { bug } from '#core/errors/fail.ts';
import type { OrderOf } from '#core/agent/order.ts';
import { attach } from './attach.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';
import { demandSound } from './verify-set.ts';

/** Reads back the set that this run has just made: damage is a failed run, although the set stays where it is. */
export const verifyAfter =
  ({ work, channel, jobs }: HostDeps): HostActivities['verifyAfter'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const made = await untilAvailable(() => channel.order(step.runId), step.signal);
      const depth = order.verifyAfter;
      if (depth === undefined || !('setId' in made))
        throw bug(`run ${order.runId} makes no set that could be verified`);
      const { runId, hostId, pool, setId } = made;
      const asked: OrderOf<'verify-set'> = { kind: 'verify-set', runId, hostId, pool, setId, depth };
      return demandSound(asked, await work.verifySet(asked, step), step);
    });
