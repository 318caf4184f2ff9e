import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';

/** Takes one logical backup; it is committed in the pool before the API is told of it, and told before success. */
export const takeLogicalBackup =
  ({ work, channel, jobs }: HostDeps): HostActivities['takeLogicalBackup'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const set = await work.takeLogicalBackup(await fetchOrder(channel, 'logical-backup', step), step);
      await untilAvailable(() => channel.putLogicalSet(set), step.signal);
      const { setId, databases, tableCount, rowCount, rawBytes, storedBytes, pieceCount, warnings } = set;
      const names = databases.map(({ name, snapshotAt }) => `${name} as of ${snapshotAt}`);
      return { setId, warnings, report: { databases: names, tableCount, rowCount, rawBytes, storedBytes, pieceCount } };
    });
