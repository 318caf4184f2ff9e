import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import type { Placed } from '#core/transfer/task.ts';
import { inDatabase } from '#agent/transfer/play/in-database.ts';
import { refuseReplicatedDatabase } from './replication.ts';
import { dropSchemas } from './settle-schemas.ts';
import { dropTables } from './settle-tables.ts';
import type { Standing } from './standing.ts';
import { keptPlaceOf, standingsOf, undonePlaceOf } from './standing.ts';
import type { Target } from '#agent/transfer/target.ts';
import { dropDatabase } from '#agent/transfer/target.ts';

/** One thing that may be dropped: the name that it should have, and the one that it has. */
interface Doomed {
  readonly one: Placed;
  readonly name: string | undefined;
  readonly lies: string | undefined;
}

/** Those that are where the run put them; one that is gone is settled. Throws `transfer_kept_moved` for one that lies elsewhere. */
export function stillThere(all: readonly Doomed[], instance: string): readonly string[] {
  return all.flatMap(({ name, lies }) => {
    if (name === undefined || lies === undefined) return [];
    if (lies !== name) throw fail('transfer_kept_moved', { what: name, now: lies, instance });
    return [name];
  });
}

/** What was replaced, under the names where it is kept. */
export const asKept = (standings: readonly Standing[]): readonly Doomed[] =>
  standings.map(({ one, keptLies }) => ({ one, name: keptPlaceOf(one), lies: keptLies }));

/** What was placed, under the names that an undo gave it. */
export const asUndone = (standings: readonly Standing[], of: RunId): readonly Doomed[] =>
  standings.map(({ one, placedLies }) => ({ one, name: undonePlaceOf(one, of), lies: placedLies }));

/** Drops what a run replaced. Throws what `dropAll` throws. */
export const dropKept = async (target: Target, placed: readonly Placed[]): Promise<readonly string[]> =>
  dropAll(target, asKept(await standingsOf(target, placed)));

/**
 * Drops things of one run, and only them: they are known by their oids, not by their names. All is looked at before anything is dropped.
 * Answers the names. Throws `transfer_kept_moved`, `transfer_replicated`, `transfer_table_depends`, `transfer_schema_depends`,
 * `transfer_swap_refused`.
 */
export async function dropAll(target: Target, all: readonly Doomed[]): Promise<readonly string[]> {
  const names = stillThere(all, target.instance);
  const first = all[0]?.one;
  if (first === undefined || names.length === 0) return [];
  if (first.kind === 'database') {
    for (const name of names) await refuseReplicatedDatabase(target.session, name);
    for (const name of names) await dropDatabase(target, name);
    return names;
  }
  const { database, kind } = first;
  await inDatabase(target, database, (session) =>
    kind === 'schema' ? dropSchemas(session, names) : dropTables(session, names),
  );
  return names.map((name) => `${database}.${name}`);
}
