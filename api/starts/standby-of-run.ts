import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { ResourceId } from '#core/id.ts';
import type { StandbyOfJob } from '#core/settings/job-spec.ts';

/** The standby as its agent hears of it, with the login of its primary. */
export async function standbyOfOrder(
  { primaryId, address }: StandbyOfJob,
  accessOf: (id: ResourceId) => Promise<InstanceAccess>,
): Promise<Pick<OrderOf<'full-backup'>, 'standby'>> {
  if (primaryId === undefined) return { standby: {} };
  const access = await accessOf(primaryId);
  const primary = address === undefined ? access : { ...access, socket: address.host, port: address.port };
  return { standby: { primary } };
}

/** Without a primary nobody can force the checkpoint that an incremental begins behind (D-019): it becomes a full. */
export const becomesFullAlone = (resourceId: ResourceId): Pick<OrderOf<'full-backup'>, 'becomesFull'> => ({
  becomesFull: `the incremental of the standby ${resourceId} became a full: without its primary no checkpoint can be forced (D-019)`,
});
