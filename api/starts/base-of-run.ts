import { setsOfDatabase } from '#catalog/backup-sets.ts';
import { branchHeadsOf } from '#catalog/log-batches.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { unusableSets } from '#catalog/pools/set-standing.ts';
import type { OrderOf } from '#core/agent/order.ts';
import { chooseBase } from '#core/backup/choose-base.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import type { Context } from '#api/context.ts';

/** The part of an order that makes a backup incremental, or the reason why it becomes a full (K-048, D-024, D-025). */
export async function baseOfRun(
  { catalog }: Context,
  { resourceId, poolId, type: wanted, source }: JobSpecOf<'incremental-backup'>,
): Promise<Pick<OrderOf<'full-backup'>, 'base' | 'becomesFull'>> {
  const { systemId, name } = await getResource(catalog, resourceId);
  const sets = (await setsOfDatabase(catalog, systemId)).filter((row) => row.poolId === poolId);
  const log = { sets: sets.map((row) => row.summary), batches: await branchHeadsOf(catalog, systemId, poolId) };
  const choice = chooseBase({ resourceId, wanted, log, unusable: await unusableSets(catalog, systemId, poolId) });
  if (choice.base === undefined)
    return { becomesFull: `the ${wanted} backup of ${name} became a full: ${choice.reason}` };
  return { base: { summary: choice.base, wanted, ...(source === undefined ? {} : { source }) } };
}
