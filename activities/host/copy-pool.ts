import type { PoolCopyReport } from '#core/care/pool-copy.ts';
import type { AgentChannel, CommittedInPool, HostWork } from '#core/ports/host-work.ts';
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
      const telling = (made: CommittedInPool): Promise<void> =>
        untilAvailable(() => tell(channel, made, step.runId), step.signal);
      const { warnings, ...report } = await tellingOfEach(copying, telling);
      return { warnings, report: { ...report } };
    });

/**
 * Runs a copy to its end. When something that it made cannot be told of, it hears that at the place where it waits, so that
 * it closes its pools. Throws what the copy and `telling` throw.
 */
export async function tellingOfEach(
  copying: ReturnType<HostWork['copyPool']>,
  telling: (made: CommittedInPool) => Promise<void>,
): Promise<PoolCopyReport> {
  for (;;) {
    const next = await copying.next();
    if (next.done === true) return next.value;
    try {
      await telling(next.value);
    } catch (error) {
      await copying.throw(error);
      throw error;
    }
  }
}

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
