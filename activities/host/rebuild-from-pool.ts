import type { AgentChannel, FoundInPool } from '#core/ports/host-work.ts';
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
      let marks = 0;
      for await (const found of work.readPool(await fetchOrder(channel, 'rebuild', step), step)) {
        await untilAvailable(() => tell(channel, found), step.signal);
        if (found.kind === 'set') sets += 1;
        else if (found.kind === 'batch') batches += 1;
        else if (found.kind === 'mark') marks += 1;
      }
      return { warnings: [], report: { sets, batches, marks } };
    });

function tell(channel: AgentChannel, found: FoundInPool): Promise<void> {
  switch (found.kind) {
    case 'set':
      return channel.putSet(found.set);
    case 'batch':
      return channel.putBatch(found.batch);
    case 'mark':
      return channel.putMark(found.mark);
    case 'truncation':
      return channel.putTruncation(found.note);
  }
}
