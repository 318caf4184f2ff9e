import { fail } from '../errors/fail.ts';
import type { LogicalSelection, TableName } from '../logical/selection.ts';
import { holdsSchema } from '../logical/selection.ts';
import type { TransferTask } from './task.ts';
import { isReplacing } from './task.ts';

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

/** Something live is replaced: the name of its instance must be typed. Throws `transfer_consent_mismatch`. */
export function demandConsent(task: TransferTask, resource: string, consent: string | undefined): void {
  if (isReplacing(task) && consent !== resource)
    throw fail('transfer_consent_mismatch', { given: (consent ?? '').slice(0, 80), resource });
}

/** What a logical set says of what it holds. */
interface Held {
  readonly selection: LogicalSelection;
  readonly databases: readonly { readonly name: string; readonly isWhole: boolean }[];
}

/**
 * A part of a database, or of a schema, would take the place of all of it, and what was left out would be lost. Throws
 * `transfer_part_over_whole`, `transfer_part_over_schema`.
 */
export function refuseParts(
  { databases, schemas = [] }: Pick<TransferTask, 'databases' | 'schemas'>,
  { selection, databases: held }: Held,
): void {
  for (const { database, as } of databases)
    if (database === as && held.find(({ name }) => name === database)?.isWhole !== true)
      throw fail('transfer_part_over_whole', { database });
  for (const { database, schema, as } of schemas)
    if (schema === as && !holdsSchema(selection, database, schema))
      throw fail('transfer_part_over_schema', { database, schema });
}

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
