import type { NamesThere, TablesBySchema } from '#core/contents/wanted-names.ts';
import type { SetId } from '#core/id.ts';
import type { DatabaseFacts } from '#core/logical/meta.ts';
import { openLogicalSet } from '#agent/logical/open-logical-set.ts';
import type { Pool } from '#agent/pools/open-pool.ts';

/** Names that a logical set holds, by its metadata. Throws what `openLogicalSet` throws. */
export async function namesInLogicalSet(pool: Pool, setId: SetId): Promise<NamesThere> {
  const {
    meta: { databases, summary },
  } = await openLogicalSet(pool, setId);
  return {
    databases: databases.map(({ name }) => name),
    tablesOf: (database) => {
      const facts = databases.find(({ name }) => name === database);
      if (facts === undefined) return Promise.resolve(undefined);
      const chosen = summary.selection.of === 'all' ? [] : summary.selection.databases;
      return Promise.resolve(tablesOf(facts, chosen.find((one) => one.database === database)?.schemas ?? []));
    },
  };
}

/** A schema that was chosen may hold functions alone. */
function tablesOf({ relations }: DatabaseFacts, chosen: readonly string[]): TablesBySchema {
  const found = new Map<string, Set<string>>(chosen.map((schema) => [schema, new Set()]));
  for (const { schema, table } of relations) found.set(schema, (found.get(schema) ?? new Set()).add(table));
  return found;
}
