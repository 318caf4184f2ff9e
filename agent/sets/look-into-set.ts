import type { InspectionOf } from '#core/agent/order.ts';
import type { Contents } from '#core/contents/contents.ts';
import { diffSets } from '#core/contents/diff-sets.ts';
import type { FilesOfChain } from '#core/contents/diff-sets.ts';
import { listFiles } from '#core/contents/list-files.ts';
import type { RelationNames } from '#core/contents/list-tables.ts';
import { listTables } from '#core/contents/list-tables.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { filesOf } from '#core/format/chain.ts';
import type { SetId } from '#core/id.ts';
import { relationNames } from '#agent/database/relation-names.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openChain } from './open-chain.ts';
import { openSet } from './open-set.ts';

/** Answers what is in a set from its metadata alone; no piece is read. Throws what `openSet` and `openChain` throw. */
export async function lookIntoSet(pool: Pool, asked: InspectionOf<'set-contents'>): Promise<Contents> {
  const { setId, view } = asked;
  if (view.of === 'diff') return diffSets(await chainFiles(pool, view.earlier), await chainFiles(pool, setId), view);
  const { meta } = await openSet(pool, setId);
  return view.of === 'files' ? listFiles(meta, view) : listTables(meta, view, await namesNow(asked));
}

const chainFiles = async (pool: Pool, setId: SetId): Promise<FilesOfChain> =>
  (await openChain(pool, setId)).map(({ meta }) => filesOf(meta));

/** Names are a courtesy: without the instance the tables are shown by their paths. */
async function namesNow({
  instance,
}: InspectionOf<'set-contents'>): Promise<{ readonly names: RelationNames; readonly naming: string }> {
  const none = new Map<string, string>();
  if (instance === undefined)
    return { names: none, naming: 'no names: no login to the running instance is known here' };
  try {
    const naming = 'names are those of the running instance now; a relation that was rewritten since has its path only';
    return { names: await relationNames(instance), naming };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { names: none, naming: `no names: ${error.message}` };
  }
}
