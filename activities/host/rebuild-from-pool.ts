import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';

/** Tells the API of everything committed in a pool, page by page: `catalog rebuild` (design §8). */
export const rebuildFromPool =
  ({ work, channel, jobs }: HostDeps): HostActivities['rebuildFromPool'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      let sets = 0;
      let batches = 0;
      for await (const found of work.readPool(await fetchOrder(channel, 'rebuild', step), step)) {
        await untilAvailable(
          () => (found.kind === 'set' ? channel.putSet(found.set) : channel.putBatch(found.batch)),
          step.signal,
        );
        if (found.kind === 'set') sets += 1;
        else batches += 1;
      }
      return { warnings: [], report: { sets, batches } };
    });
