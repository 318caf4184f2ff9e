import { z } from 'zod';
import { getSet, setShape, setsOfFull } from '#catalog/backup-sets.ts';
import type { Database } from '#catalog/database.ts';
import { unusableSets } from '#catalog/set-standing.ts';
import { byId, chainOf, dependentsOf } from '#core/backup/chain.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { sortUsable } from '#core/backup/usable-sets.ts';
import type { SetId } from '#core/id.ts';
import { setTypeShape } from '#core/settings/shape/committed.ts';
import { countShape, idShape, instantShape } from '#core/settings/shape/words.ts';

const linkShape = z.object({ id: idShape('set'), type: setTypeShape, endedAt: instantShape, storedBytes: countShape });

/** One set with its chain: what it builds on, the full first, and what cannot be restored without it. */
export const setWithChain = z
  .object({
    ...setShape.shape,
    needs: z.array(linkShape),
    neededBy: z.array(linkShape),
    /** Why it cannot be restored: damaged, quarantined, or its chain is not whole. */
    unusable: z.string().exactOptional(),
  })
  .meta({ id: 'BackupSetWithChain' });

/** Throws `set_unknown`. */
export async function withChain(catalog: Database, id: SetId): Promise<z.output<typeof setWithChain>> {
  const row = await getSet(catalog, id);
  const { systemId, base } = row.summary;
  const sets = (await setsOfFull(catalog, base?.fullSetId ?? id, row.poolId)).map(({ summary }) => summary);
  const chain = chainOf(row.summary, byId(sets));
  const { excluded } = sortUsable(sets, await unusableSets(catalog, systemId));
  const reason = excluded.find(({ set }) => set.setId === id)?.reason;
  return {
    ...row,
    needs: chain.isComplete ? chain.sets.slice(0, -1).map(linkOf) : [],
    neededBy: dependentsOf(id, sets).map(linkOf),
    ...(reason === undefined ? {} : { unusable: reason }),
  };
}

const linkOf = ({ setId, type, endedAt, storedBytes }: SetSummary): z.output<typeof linkShape> => ({
  id: setId,
  type,
  endedAt,
  storedBytes,
});
