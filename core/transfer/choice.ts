import type { WantedName } from '../contents/wanted-names.ts';
import { fail } from '../errors/fail.ts';
import type { LogicalSelection, TableName } from '../logical/selection.ts';
import { holdsSchema, tableText } from '../logical/selection.ts';
import type { DatabaseOfSet, PartitionLeftOut } from '../logical/set-summary.ts';
import { nearNames } from '../near-names.ts';
import type { Warning } from '../run/progress.ts';
import type { TransferTask, WantedTable } from './task.ts';
import { databasesOfTask, isReplacing } from './task.ts';
import { cutText } from '../text.ts';

/** What was asked for, by name. */
interface TransferChoice {
  readonly databases: readonly string[];
  readonly tables: readonly (TableName & { readonly database: string })[];
  /** Absent: none. */
  readonly schemas?: readonly { readonly database: string; readonly schema: string }[];
  /** A new name of the one thing that was chosen. */
  readonly as?: string | undefined;
  readonly endsSessions: boolean;
  readonly dropsOld: boolean;
}

/** Names that no run of ours may take: they belong to unfinished work. */
const reserved = /^holdfast_(tmp|before|undone)_/;

/** Throws `transfer_nothing_chosen`, `transfer_choice_bad`. */
export function taskOf(choice: TransferChoice): TransferTask {
  const { databases, tables, schemas = [], as } = choice;
  if (databases.length + tables.length + schemas.length === 0) throw fail('transfer_nothing_chosen', {});
  const why = whyBad(choice);
  if (why !== undefined) throw fail('transfer_choice_bad', { why });
  return {
    databases: databases.map((database) => ({ database, as: as ?? database })),
    tables: tables.map(({ database, schema, table }) => ({ database, schema, table, as: as ?? table })),
    ...(schemas.length === 0
      ? {}
      : { schemas: schemas.map(({ database, schema }) => ({ database, schema, as: as ?? schema })) }),
    ...{ endsSessions: choice.endsSessions, dropsOld: choice.dropsOld },
  };
}

function whyBad({ databases, tables, schemas = [], as }: TransferChoice): string | undefined {
  const all = [
    ...databases,
    ...schemas.map(({ database, schema }) => `${database}.${schema}`),
    ...tables.map(({ database, schema, table }) => `${database}.${schema}.${table}`),
  ];
  if (new Set(all).size < all.length) return 'something was chosen twice';
  if ([databases, tables, schemas].filter((some) => some.length > 0).length > 1)
    return 'databases, schemas and tables are put into place by a run each';
  if (new Set([...tables, ...schemas].map(({ database }) => database)).size > 1)
    return 'they lie in several databases: they are put into place by a run for each database';
  if (as !== undefined && all.length > 1) return 'a new name is for one database, schema or table';
  if (as !== undefined && reserved.test(as)) return `the name ${as} looks like unfinished work of Holdfast`;
  return undefined;
}

/** Throws `transfer_database_unknown` when a database that is wanted, or of which something is, is not among those that are there. */
export function demandDatabases(task: TransferTask, there: readonly string[]): void {
  for (const database of databasesOfTask(task)) {
    if (there.includes(database)) continue;
    const near = nearNames(there, database).join(', ');
    throw fail('transfer_database_unknown', { database, known: there.join(', '), near });
  }
}

/** All that a task names of what it is taken from. */
export const namesOfTask = ({ databases, schemas = [], tables }: TransferTask): readonly WantedName[] => [
  ...databases.map(({ database }) => ({ database })),
  ...schemas.map(({ database, schema }) => ({ database, schema })),
  ...tables.map(({ database, schema, table }) => ({ database, schema, table })),
];

/** Something live is replaced: the name of its instance must be typed. Throws `consent_missing`, `transfer_consent_mismatch`. */
export function demandConsent(task: TransferTask, resource: string, consent: string | undefined): void {
  if (isReplacing(task)) demandTyped(consent, resource, `Something live in ${resource} is replaced`);
}

/** Throws `consent_missing` when nothing was typed, `transfer_consent_mismatch` when it is another name. */
export function demandTyped(consent: string | undefined, resource: string, what: string): void {
  if (consent === undefined) throw fail('consent_missing', { what, consent: resource });
  if (consent !== resource) throw fail('transfer_consent_mismatch', { given: cutText(consent, 80), resource });
}

/** What a logical set says of what it holds. */
interface Held {
  readonly selection: LogicalSelection;
  readonly databases: readonly Pick<DatabaseOfSet, 'name' | 'isWhole' | 'leftOut'>[];
}

/** Names of what a task wants of a set. */
type Parts = Partial<Pick<TransferTask, 'databases' | 'schemas' | 'tables'>>;

/**
 * A part of a database, of a schema or of a partitioned table would take the place of all of it, and what was left out would be lost.
 * Throws `transfer_part_over_whole`, `transfer_part_over_schema`, `transfer_part_over_table`.
 */
export function refuseParts({ databases = [], schemas = [], tables = [] }: Parts, held: Held): void {
  for (const { database, as } of databases)
    if (database === as && held.databases.find(({ name }) => name === database)?.isWhole !== true)
      throw fail('transfer_part_over_whole', { database });
  for (const { database, schema, as } of schemas)
    if (schema === as && !isSchemaHeld(held, database, schema))
      throw fail('transfer_part_over_schema', { database, schema });
  for (const one of tables.filter(({ table, as }) => table === as)) refusePartOfTable(one, held);
}

function refusePartOfTable(one: WantedTable, { databases }: Held): void {
  const left = leftOutOfTable(databases, one);
  if (left.length > 0) throw fail('transfer_part_over_table', { table: tableText(one), partitions: namesOf(left) });
}

const isSchemaHeld = ({ selection, databases }: Held, database: string, schema: string): boolean =>
  holdsSchema(selection, database, schema) && leftOutOfSchema(databases, database, schema).length === 0;

/** What of a set is less than it was, and goes under a new name: partitions that were left out of it. */
export function warnLeftOut({ schemas = [], tables = [] }: Parts, { databases: held }: Held): readonly Warning[] {
  const left = [
    ...schemas.flatMap(({ database, schema }) => leftOutOfSchema(held, database, schema)),
    ...tables.flatMap((one) => leftOutOfTable(held, one)),
  ];
  if (left.length === 0) return [];
  return [
    { code: 'partition_left_out', detail: `the set was taken without ${namesOf(left)}: their rows are not there` },
  ];
}

const leftOutOf = (held: Held['databases'], database: string): readonly PartitionLeftOut[] =>
  held.find(({ name }) => name === database)?.leftOut ?? [];

const leftOutOfSchema = (held: Held['databases'], database: string, schema: string): readonly PartitionLeftOut[] =>
  leftOutOf(held, database).filter((left) => [left, ...left.partOf].some((one) => one.schema === schema));

const leftOutOfTable = (
  held: Held['databases'],
  { database, schema, table }: TableName & { readonly database: string },
): readonly PartitionLeftOut[] =>
  leftOutOf(held, database).filter(({ partOf }) => partOf.some((one) => one.schema === schema && one.table === table));

const namesOf = (tables: readonly TableName[]): string => tables.map(tableText).join(', ');

/** The steps in words, as they are printed before anything is touched. */
export function transferSteps(task: TransferTask, source: readonly string[], into: string): readonly string[] {
  const names = [
    ...task.databases.map(({ database, as }) => (database === as ? database : `${database} as ${as}`)),
    ...(task.schemas ?? []).map(({ database, schema, as }) =>
      schema === as ? `${database}.${schema}` : `${database}.${schema} as ${as}`,
    ),
    ...task.tables.map(({ database, schema, table, as }) =>
      table === as ? `${database}.${schema}.${table}` : `${database}.${schema}.${table} as ${schema}.${as}`,
    ),
  ].join(', ');
  const what = task.databases.length > 0 ? 'under temporary names' : 'in a schema of their own';
  const old = task.dropsOld ? 'they are dropped at once' : 'they are kept until they are confirmed or put back';
  return [
    ...source,
    `Check that ${into} has the roles, tablespaces and extensions that are needed`,
    `Copy ${names} into ${into}, ${what}; what is live stays as it is`,
    'Compare objects, row counts and sequences of both sides',
    isReplacing(task)
      ? `Swap by rename in one transaction; of those that were replaced, ${old}`
      : 'Give the copies their new names in one transaction',
    ...(source.length > 0 ? ['Remove the scratch instance'] : []),
  ];
}
