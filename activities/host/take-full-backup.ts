import type { OrderOf } from '#core/agent/order.ts';
import type { Warning } from '#core/run/progress.ts';
import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';

/** Takes one backup set, full or incremental; it is committed in the pool before the API is told of it, and told before success. */
export const takeFullBackup =
  ({ work, channel, jobs }: HostDeps): HostActivities['takeFullBackup'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const asked = await fetchOrder(channel, 'full-backup', step);
      const set = await work.takeFullBackup(asked, step);
      await untilAvailable(() => channel.putSet(set), step.signal);
      const { setId, type, fileCount, rawBytes, storedBytes, pieceCount, beginLsn, endLsn, base } = set;
      const counts = { type, fileCount, rawBytes, storedBytes, pieceCount, beginLsn, endLsn };
      const report = base === undefined ? counts : { ...counts, base: base.setId, changedPages: base.changedPages };
      return { setId, warnings: [...noticeOf(asked), ...set.warnings], report };
    });

/** K-048: without a base the first incremental is a full, and says so. */
const noticeOf = ({ becomesFull }: OrderOf<'full-backup'>): readonly Warning[] =>
  becomesFull === undefined ? [] : [{ code: 'became_full', detail: becomesFull }];
