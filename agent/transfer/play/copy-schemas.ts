import { fail } from '#core/errors/fail.ts';
import type { TableName } from '#core/logical/selection.ts';
import type { Warning } from '#core/run/progress.ts';
import { firstDifference } from '#core/transfer/inventory.ts';
import { quoted, stagingSchema } from '#core/transfer/names.ts';
import type { WantedSchema } from '#core/transfer/task.ts';
import type { Session } from '#agent/database/session.ts';
import type { TableSource } from './copy-tables.ts';
import { cutInheritance } from './cut-inheritance.ts';
import { dumpInto } from './dump-into.ts';
import { holdViewsBack } from '#agent/transfer/swap/held-views.ts';
import type { LaterKey } from '#agent/transfer/swap/later-keys.ts';
import { holdKeysBack } from '#agent/transfer/swap/later-keys.ts';
import { makeSchemas } from './made.ts';
import { orCancelled } from '#agent/transfer/or-cancelled.ts';
import { readInventory } from '#agent/transfer/read-inventory.ts';
import { refuseReplicated } from '#agent/transfer/swap/replication.ts';
import { schemaDependentsOf } from '#agent/transfer/schema-facts.ts';
import { schemasOn } from '#agent/transfer/swap/standing.ts';
import { hasSchema } from '#agent/transfer/table-facts.ts';
import { warnComputed, warnOfNewName } from '#agent/transfer/swap/texts-that-name.ts';
import type { Target } from '#agent/transfer/target.ts';
import type { TransferWork } from '#agent/transfer/transfer-work.ts';

/** Schemas that were built beside the live ones. */
export interface BuiltSchemas {
  readonly database: string;
  readonly schemas: readonly BuiltSchema[];
  readonly laterKeys: readonly LaterKey[];
  /** Materialized views that are filled when they are in their places, under the temporary names of their schemas. */
  readonly heldViews: readonly TableName[];
}

interface BuiltSchema {
  readonly wanted: WantedSchema;
  readonly staging: string;
}

/**
 * Builds copies of schemas in the live database under names that nobody looks into, and proves them. Throws
 * `transfer_schema_unknown`, `transfer_partitions_apart`, `transfer_name_taken`, `transfer_schema_depends`, `transfer_refused`, `transfer_differs`, `cancelled`.
 */
export async function copySchemas(
  work: TransferWork,
  { end, session }: TableSource,
  schemas: readonly WantedSchema[],
): Promise<BuiltSchemas> {
  const { target, tally, watch, runId } = work;
  const database = schemas[0]?.database ?? end.database;
  const live = await target.open(database);
  try {
    const built: BuiltSchema[] = [];
    for (const [index, wanted] of schemas.entries()) {
      const staging = `${stagingSchema(runId)}_s${String(index)}`;
      built.push(await planSchema(target, { source: session, live }, { wanted, staging }));
    }
    const both = built.flatMap(({ wanted, staging }) => [wanted.schema, staging]);
    tally.warnings.push(...(await cutInheritance(session, { schemas: both, tables: [] })));
    for (const { wanted, staging } of built) {
      if (!(await hasSchema(session, staging)))
        await session.query(`alter schema ${quoted(wanted.schema)} rename to ${quoted(staging)}`);
    }
    tally.enter('transfer');
    const names = built.map(({ staging }) => staging);
    const laterKeys = await holdKeysBack(session, names);
    const heldViews = await holdViewsBack(session, names);
    tally.warnings.push(...(await warnOfTexts(session, built)));
    const dump = {
      ...{ home: work.home, tools: work.tools, clock: work.clock, from: end, to: { access: target.access, database } },
      args: names.map((staging) => `--schema=${quoted(staging)}`),
      onBytes: (bytes: number): void => {
        tally.addBytes(bytes);
      },
    };
    const copy = (): Promise<void> => watch.time('transfer', () => dumpInto(dump, work.step));
    await makeSchemas(work, { live, database, names }, copy);
    tally.enter('verify');
    for (const { staging } of built) await watch.time('verify', () => prove(work, { source: session, live }, staging));
    return { database, schemas: built, laterKeys, heldViews };
  } finally {
    await live.close();
  }
}

interface Ends {
  readonly source: Session;
  readonly live: Session;
}

async function planSchema(
  { instance }: Target,
  { source, live }: Ends,
  { wanted, staging }: BuiltSchema,
): Promise<BuiltSchema> {
  const { schema, as, database } = wanted;
  if (!(await hasSchema(source, schema)) && !(await hasSchema(source, staging)))
    throw fail('transfer_schema_unknown', { schema, database, near: '' });
  const isTaken = await hasSchema(live, as);
  if (!isTaken) return { wanted, staging };
  if (as !== schema) throw fail('transfer_name_taken', { name: `${database}.${as}`, instance });
  await refuseSchemaDependents(live, schema);
  await refuseReplicated(live, `Schema "${schema}"`, [(await schemasOn(live)).get(schema) ?? '0']);
  return { wanted, staging };
}

/** Throws `transfer_schema_depends`. */
export async function refuseSchemaDependents(live: Session, schema: string): Promise<void> {
  const dependents = await schemaDependentsOf(live, schema);
  if (dependents.length === 0) return;
  const more = dependents.length > 10 ? ` and ${String(dependents.length - 10)} more` : '';
  throw fail('transfer_schema_depends', { schema, dependents: `${dependents.slice(0, 10).join(', ')}${more}` });
}

/** Functions know schemas by the names that they have in the source. */
async function warnOfTexts(source: Session, built: readonly BuiltSchema[]): Promise<readonly Warning[]> {
  const isNew = ({ wanted: { schema, as } }: BuiltSchema): boolean => as !== schema;
  const named = (some: readonly BuiltSchema[]) => ({
    staging: some.map(({ staging }) => staging),
    names: some.map(({ wanted }) => wanted.schema),
  });
  const [beside, inPlace] = [built.filter(isNew), built.filter((one) => !isNew(one))];
  const ofNew = beside.length === 0 ? [] : await warnOfNewName(source, named(beside));
  return [...ofNew, ...(inPlace.length === 0 ? [] : await warnComputed(source, named(inPlace)))];
}

/** Throws `transfer_differs`. */
async function prove({ tally, step }: TransferWork, { source, live }: Ends, schema: string): Promise<void> {
  const [wanted, arrived] = await orCancelled(
    step.signal,
    Promise.all([readInventory(source, { schema }), readInventory(live, { schema })]),
  );
  const difference = firstDifference(wanted, arrived);
  if (difference !== undefined) throw fail('transfer_differs', { database: schema, difference });
  for (const rows of arrived.rows.values()) tally.addTable(Number(rows));
}
