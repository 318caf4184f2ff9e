import { setsOfDatabase } from '#catalog/backup-sets.ts';
import type { Database } from '#catalog/database.ts';
import { poolsWithDatabase } from '#catalog/log-batches.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { unusableSets } from '#catalog/pools/set-standing.ts';
import { soundBatchesOf } from '#catalog/pools/verification.ts';
import type { ResourceRow } from '#catalog/resources/resources.ts';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { HeldByPool } from '#core/restore/plan/other-pools.ts';
import { togetherInPools, togetherText } from '#core/restore/plan/other-pools.ts';
import { describeTarget } from '#core/restore/plan/unreachable.ts';
import type { RestoreRequest } from '#core/restore/request.ts';

/** Refusals of points that what is in another pool may lead to. */
const maybeElsewhere = new Set<string>([
  ...['no_set_to_restore', 'point_in_gap', 'point_before_first_set', 'point_after_latest'],
  ...['name_unknown', 'transaction_unknown'],
]);

interface Refused {
  readonly resource: ResourceRow;
  readonly request: Omit<RestoreRequest, 'log'>;
  readonly refusal: HoldfastError;
}

/** The refusal, or `point_needs_other_pool` when the pools that hold the database lead to the point together, or one that was not asked does. */
export async function tellOtherPools(
  catalog: Database,
  { resource, request, refusal }: Refused,
): Promise<HoldfastError> {
  const { target } = request;
  if (!maybeElsewhere.has(refusal.code) || target.at === 'latest' || target.at === 'immediate') return refusal;
  const together = togetherInPools(request, await heldByPools(catalog, resource));
  if (together === undefined) return refusal;
  const { before = 'none', after = 'none' } = refusal.params;
  const params = { point: describeTarget(target), resource: resource.name, before, after };
  return fail('point_needs_other_pool', { ...params, ...togetherText(together) });
}

async function heldByPools(catalog: Database, { systemId, id: owner }: ResourceRow): Promise<readonly HeldByPool[]> {
  const all = await setsOfDatabase(catalog, systemId);
  return Promise.all(
    (await poolsWithDatabase(catalog, systemId)).map(async (id) => {
      const sets = all.filter(({ poolId }) => poolId === id).map(({ summary }) => summary);
      const { name: pool } = await getPool(catalog, id);
      const batches = await soundBatchesOf(catalog, systemId, id);
      return { pool, log: { sets, batches, owner }, unusable: await unusableSets(catalog, systemId, id) };
    }),
  );
}
