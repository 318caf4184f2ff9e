import type { AgentChannel, FoundInPool } from '#core/ports/host-work.ts';
import type { RunId } from '#core/id.ts';
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
      let logicalSets = 0;
      let batches = 0;
      let marks = 0;
      for await (const found of work.readPool(await fetchOrder(channel, 'rebuild', step), step)) {
        await untilAvailable(() => tell(channel, found, step.runId), step.signal);
        if (found.kind === 'set') sets += 1;
        else if (found.kind === 'logical-set') logicalSets += 1;
        else if (found.kind === 'batch') batches += 1;
        else if (found.kind === 'mark') marks += 1;
      }
      return { warnings: [], report: { sets, logicalSets, batches, marks } };
    });

/** Why the teller: a catalog that knows the run which made a set would take it for one of the pool of that run. */
function tell(channel: AgentChannel, found: FoundInPool, teller: RunId): Promise<void> {
  switch (found.kind) {
    case 'set':
      return channel.putSet(found.set, teller);
    case 'logical-set':
      return channel.putLogicalSet(found.set, teller);
    case 'batch':
      return channel.putBatch(found.batch, teller);
    case 'mark':
      return channel.putMark(found.mark, teller);
    case 'truncation':
      return channel.putTruncation(found.note);
  }
}
