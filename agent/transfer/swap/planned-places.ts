import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import { keptName, keptSchema, quotedTable } from '#core/transfer/names.ts';
import type { Placed } from '#core/transfer/task.ts';
import type { Session } from '#agent/database/session.ts';
import type { BuiltDatabase } from '#agent/transfer/play/copy-database.ts';
import type { BuiltSchemas } from '#agent/transfer/play/copy-schemas.ts';
import type { BuiltTables } from '#agent/transfer/play/copy-tables.ts';
import { inDatabase } from '#agent/transfer/play/in-database.ts';
import { databasesOn, schemasOn, tablesOn } from './standing.ts';
import { withTakenKeys } from './taken-keys.ts';
import type { Target } from '#agent/transfer/target.ts';

/** What lies ready beside what is live. */
export interface Built {
  readonly databases: readonly BuiltDatabase[];
  readonly tables?: BuiltTables;
  readonly schemas?: BuiltSchemas;
}

/** What a swap will put into place, by the oids of what was built and of what has the names now. Throws `transfer_swap_refused`. */
export async function plannedPlaces(target: Target, runId: RunId, built: Built): Promise<readonly Placed[]> {
  const { databases, schemas, tables } = built;
  if (schemas !== undefined)
    return inDatabase(target, schemas.database, (live) => placesOfSchemas(live, schemas, runId));
  if (tables !== undefined) return inDatabase(target, tables.database, (live) => placesOfTables(live, tables, runId));
  const oids = await databasesOn(target.session);
  return databases.map(({ wanted: { as }, temporary }): Placed => {
    const replaced = oids.get(as);
    const kept = replaced === undefined ? {} : { keptAs: keptName(as, runId), keptOid: replaced };
    return { kind: 'database', name: as, oid: demandBuilt(oids, temporary), ...kept };
  });
}

async function placesOfSchemas(live: Session, { database, schemas }: BuiltSchemas, runId: RunId) {
  const oids = await schemasOn(live);
  const placed = schemas.map(({ wanted: { as }, staging }): Placed => {
    const replaced = oids.get(as);
    const kept = replaced === undefined ? {} : { keptAs: keptName(as, runId), keptOid: replaced };
    return { kind: 'schema', database, name: as, oid: demandBuilt(oids, staging), ...kept };
  });
  return withTakenKeys(live, placed);
}

async function placesOfTables(live: Session, { database, tables }: BuiltTables, runId: RunId) {
  const staged = tables.map(({ wanted, staging }) => ({ schema: staging, table: wanted.table }));
  const places = tables.map(({ wanted }) => ({ schema: wanted.schema, table: wanted.as }));
  const oids = await tablesOn(live, { names: [...staged, ...places], oids: [] });
  const schemas = [...new Set(tables.map(({ wanted }) => wanted.schema))];
  const placed = tables.map(({ wanted: { schema, table, as }, staging }): Placed => {
    const replaced = oids.get(quotedTable({ schema, table: as }));
    const kept =
      replaced === undefined ? {} : { keptIn: keptSchema(runId, schemas.indexOf(schema)), keptOid: replaced };
    const oid = demandBuilt(oids, quotedTable({ schema: staging, table }));
    return { kind: 'table', database, schema, table: as, oid, ...kept };
  });
  return withTakenKeys(live, placed);
}

function demandBuilt(oids: ReadonlyMap<string, string>, name: string): string {
  const oid = oids.get(name);
  if (oid === undefined) throw fail('transfer_swap_refused', { name, reason: 'what was built there is gone' });
  return oid;
}
