import type { AgentChannel, CommittedInPool } from '#core/ports/host-work.ts';
import type { RunId } from '#core/id.ts';
import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';

/** Copies sets and log to another pool; the catalog is told of each that is committed there before the next begins. */
export const copyPool =
  ({ work, channel, jobs }: HostDeps): HostActivities['copyPool'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const copying = work.copyPool(await fetchOrder(channel, 'pool-copy', step), step);
      for (;;) {
        const next = await copying.next();
        if (next.done === true) {
          const { warnings, ...report } = next.value;
          return { warnings, report: { ...report } };
        }
        await untilAvailable(() => tell(channel, next.value, step.runId), step.signal);
      }
    });

function tell(channel: AgentChannel, made: CommittedInPool, teller: RunId): Promise<void> {
  switch (made.kind) {
    case 'set':
      return channel.putSet(made.set, teller);
    case 'batch':
      return channel.putBatch(made.batch, teller);
    case 'mark':
      return channel.putMark(made.mark, teller);
  }
}
