import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';

/** Takes one complete backup set; it is committed in the pool before the API is told of it, and told before success. */
export const takeFullBackup =
  ({ work, channel, jobs }: HostDeps): HostActivities['takeFullBackup'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const set = await work.takeFullBackup(await fetchOrder(channel, 'full-backup', step), step);
      await untilAvailable(() => channel.putSet(set), step.signal);
      const { setId, warnings, fileCount, rawBytes, storedBytes, pieceCount, beginLsn, endLsn } = set;
      return { setId, warnings, report: { fileCount, rawBytes, storedBytes, pieceCount, beginLsn, endLsn } };
    });
