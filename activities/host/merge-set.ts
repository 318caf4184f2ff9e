import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';

/** Makes one full of a chain; it is committed in the pool before the API is told of it, and told and named before success. */
export const mergeSet =
  ({ work, channel, jobs }: HostDeps): HostActivities['mergeSet'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const asked = await fetchOrder(channel, 'merge-set', step);
      const set = await work.mergeSet(asked, step);
      await untilAvailable(() => channel.putSet(set), step.signal);
      if (asked.name !== undefined) {
        const { marks } = await work.markSet({ kind: 'mark-set', pool: asked.pool, mark: asked.name });
        for (const mark of marks) await untilAvailable(() => channel.putMark(mark), step.signal);
      }
      const { setId, fileCount, rawBytes, storedBytes, pieceCount, beginLsn, endLsn } = set;
      const report = { mergedFrom: asked.from, fileCount, rawBytes, storedBytes, pieceCount, beginLsn, endLsn };
      return { setId, warnings: set.warnings, report };
    });
