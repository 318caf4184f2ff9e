import { fail } from '#core/errors/fail.ts';
import { keptText } from '#core/transfer/kept.ts';
import type { Placed } from '#core/transfer/task.ts';
import { inDatabase } from './in-database.ts';
import { refuseReplicatedDatabase } from './replication.ts';
import { dropSchemas } from './settle-schemas.ts';
import { dropTables } from './settle-tables.ts';
import type { Standing } from './standing.ts';
import { keptPlaceOf, standingsOf } from './standing.ts';
import type { Target } from './target.ts';
import { dropDatabase } from './target.ts';

/** Those whose kept thing is where the swap put it; one that is gone is settled. Throws `transfer_kept_moved` for one that lies elsewhere. */
export function keptStill(standings: readonly Standing[], instance: string): readonly Placed[] {
  return standings.flatMap(({ one, keptLies }) => {
    const kept = keptPlaceOf(one);
    if (kept === undefined || keptLies === undefined) return [];
    if (keptLies !== kept) throw fail('transfer_kept_moved', { what: kept, now: keptLies, instance });
    return [one];
  });
}

/**
 * Drops what was replaced, and only that: known by its oid, not by its name. All is looked at before anything is dropped. Answers the
 * names. Throws `transfer_kept_moved`, `transfer_replicated`, `transfer_table_depends`, `transfer_schema_depends`, `transfer_swap_refused`.
 */
export async function dropKept(target: Target, placed: readonly Placed[]): Promise<readonly string[]> {
  const kept = keptStill(await standingsOf(target, placed), target.instance);
  const [first] = kept;
  if (first === undefined) return [];
  const names = kept.flatMap((one) => keptPlaceOf(one) ?? []);
  if (first.kind === 'database') {
    for (const name of names) await refuseReplicatedDatabase(target.session, name);
    for (const name of names) await dropDatabase(target, name);
    return names;
  }
  const { database, kind } = first;
  await inDatabase(target, database, (session) =>
    kind === 'schema'
      ? dropSchemas(session, names)
      : dropTables(
          session,
          kept.flatMap((one) =>
            one.kind === 'table' && one.keptIn !== undefined ? [{ schema: one.keptIn, table: one.table }] : [],
          ),
        ),
  );
  return kept.flatMap((one) => keptText(one) ?? []);
}
