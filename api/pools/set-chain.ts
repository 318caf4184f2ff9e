import { z } from 'zod';
import type { SetRow } from '#catalog/backup-sets.ts';
import { getSet, setShape, setsOfFull } from '#catalog/backup-sets.ts';
import type { Database } from '#catalog/database.ts';
import { locksIn } from '#catalog/pools/pool-locks.ts';
import { batchesOf } from '#catalog/log-batches.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { soundBatchesOf } from '#catalog/pools/verification.ts';
import { unusableSets } from '#catalog/pools/set-standing.ts';
import { standingsOf } from '#catalog/pools/set-marks.ts';
import { byId, chainOf, dependentsOf } from '#core/backup/chain.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { sortUsable } from '#core/backup/usable-sets.ts';
import type { PoolId, SetId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { unmarked } from '#core/care/mark.ts';
import { lackingLog } from '#core/log/lacking-log.ts';
import { standingShape } from '#core/settings/shape/standing.ts';
import { setTypeShape } from '#core/settings/shape/committed.ts';
import { countShape, idShape, instantShape } from '#core/settings/shape/words.ts';

const linkShape = z.object({ id: idShape('set'), type: setTypeShape, endedAt: instantShape, storedBytes: countShape });

/** A set with what people said about it. */
export const setWithStanding = z.object({ ...setShape.shape, standing: standingShape }).meta({ id: 'BackupSet' });
type SetWithStanding = z.output<typeof setWithStanding>;

export async function withStandings(catalog: Database, rows: readonly SetRow[]): Promise<SetWithStanding[]> {
  const standings = new Map<PoolId, Awaited<ReturnType<typeof standingsOf>>>();
  for (const poolId of new Set(rows.map((row) => row.poolId))) {
    const ids = rows.filter((row) => row.poolId === poolId).map(({ id }) => id);
    standings.set(poolId, await standingsOf(catalog, ids, poolId));
  }
  return rows.map((row) => ({ ...row, standing: standings.get(row.poolId)?.get(row.id) ?? unmarked }));
}

/** One set with its chain: what it builds on, the full first, and what cannot be restored without it. */
export const setWithChain = z
  .object({
    ...setWithStanding.shape,
    needs: z.array(linkShape),
    neededBy: z.array(linkShape),
    /** Why it cannot be restored: it or the log it needs is damaged, it is quarantined, or its chain is not whole. */
    unusable: z.string().exactOptional(),
    /** Of a set that was made without its log (D-021): what of that the pool does not hold. */
    missingLog: z.string().exactOptional(),
    /** In an immutable pool: until when nobody deletes an object of it; of a set that others build on a day longer than of the last of those. */
    lockedUntil: instantShape.exactOptional(),
  })
  .meta({ id: 'BackupSetWithChain' });

/** The set in the pool that is named, else where it was known first. Throws `set_unknown`. */
export async function withChain(catalog: Database, id: SetId, pool?: PoolId): Promise<z.output<typeof setWithChain>> {
  const row = await getSet(catalog, id, pool);
  const { systemId, base } = row.summary;
  const sets = (await setsOfFull(catalog, base?.fullSetId ?? id, row.poolId)).map(({ summary }) => summary);
  const chain = chainOf(row.summary, byId(sets));
  const { excluded } = sortUsable(sets, await unusableSets(catalog, systemId, row.poolId));
  const reason = excluded.find(({ set }) => set.setId === id)?.reason;
  const [standing] = await withStandings(catalog, [row]);
  return {
    ...row,
    standing: standing?.standing ?? unmarked,
    needs: chain.isComplete ? chain.sets.slice(0, -1).map(linkOf) : [],
    neededBy: dependentsOf(id, sets).map(linkOf),
    ...(await lackOf(catalog, row)),
    ...(reason === undefined ? {} : { unusable: reason }),
    ...(await lockOf(catalog, row)),
  };
}

async function lockOf(catalog: Database, { id, poolId }: SetRow): Promise<{ lockedUntil?: Instant }> {
  const until = (await locksIn(catalog, await getPool(catalog, poolId), id)).get(id);
  return until === undefined ? {} : { lockedUntil: until };
}

/** Log that is there and damaged is not log that is still to come: no backup of the log brings it. */
async function lackOf(
  catalog: Database,
  { summary, poolId }: SetRow,
): Promise<{ readonly missingLog?: string; readonly unusable?: string }> {
  if (summary.isConsistent) return {};
  const sets = [summary];
  const [lacking] = lackingLog({ sets, batches: await soundBatchesOf(catalog, summary.systemId, poolId) });
  if (lacking === undefined) return {};
  const isThere = lackingLog({ sets, batches: await batchesOf(catalog, summary.systemId, poolId) }).length === 0;
  if (!isThere) return { missingLog: lacking.reason };
  return { unusable: `a scrub found its log damaged: without that, ${lacking.reason}` };
}

const linkOf = ({ setId, type, endedAt, storedBytes }: SetSummary): z.output<typeof linkShape> => ({
  id: setId,
  type,
  endedAt,
  storedBytes,
});
