import { z } from 'zod';
import type { DatabaseSelection, LogicalSelection } from '../../logical/selection.ts';
import { mostNames } from '../../logical/selection.ts';
import type { LogicalSetSummary } from '../../logical/set-summary.ts';
import type { LogicalOptions, LogicalTask } from '../../logical/task.ts';
import type { TreePage, TreeView } from '../../logical/content-tree.ts';
import { warningShape } from './progress.ts';
import { countShape, idShape, instantShape } from './words.ts';

/** Name of a database object as the server has it: at most 63 bytes in PostgreSQL, more in other builds. */
export const sqlNameShape = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\0]*$/, 'it must be a name of a database object')
  .meta({ description: 'exact name, without quotes' });
export const tableNameShape = z.object({ schema: sqlNameShape, table: sqlNameShape });

const names = z.array(sqlNameShape).max(mostNames);
const tables = z.array(tableNameShape).max(mostNames);

export const databaseSelectionShape: z.ZodType<DatabaseSelection> = z
  .object({
    database: sqlNameShape,
    schemas: names.default([]).meta({ description: 'only these schemas; with `tables` empty too: the whole database' }),
    tables: tables.default([]).meta({ description: 'only these tables, beside `schemas`' }),
    excludeSchemas: names.default([]),
    excludeTables: tables.default([]),
  })
  .refine(
    ({ schemas, tables: some, excludeSchemas, excludeTables }) =>
      schemas.length + some.length + excludeSchemas.length + excludeTables.length <= mostNames,
    { message: `at most ${String(mostNames)} names of one database` },
  );

export const logicalSelectionShape: z.ZodType<LogicalSelection> = z.discriminatedUnion('of', [
  z.object({ of: z.literal('all') }),
  z.object({
    of: z.literal('chosen'),
    databases: z
      .array(databaseSelectionShape)
      .min(1)
      .max(200)
      .refine((list) => new Set(list.map(({ database }) => database)).size === list.length, {
        message: 'each database once',
      }),
  }),
]);

/** Waiting longer for a lock than this holds up everybody behind it. */
export const lockWaitShape = z.number().int().min(1).max(3600);

export const logicalOptionsShape: z.ZodType<LogicalOptions> = z.looseObject({
  selection: logicalSelectionShape,
  lockWaitSeconds: lockWaitShape,
});

export const logicalTaskShape: z.ZodType<LogicalTask> = z.discriminatedUnion('does', [
  z.looseObject({ does: z.literal('verify'), setId: idShape('set') }),
  z.looseObject({ does: z.literal('remove'), sets: z.array(idShape('set')).min(1).max(1000) }),
]);

const plainTable = { schema: z.string(), table: z.string() };

/** What is committed in a pool, as agents tell it. Fields of newer agents are kept. */
export const logicalSetSummaryShape: z.ZodType<LogicalSetSummary> = z.looseObject({
  setId: idShape('set'),
  runId: idShape('run'),
  attemptId: idShape('try'),
  jobId: idShape('job'),
  resourceId: idShape('res'),
  engine: z.string(),
  serverVersion: countShape,
  systemId: z.string().regex(/^\d{1,20}$/),
  selection: logicalSelectionShape,
  databases: z.array(
    z.looseObject({
      name: z.string(),
      isWhole: z.boolean(),
      snapshotAt: instantShape,
      tableCount: countShape,
      rowCount: countShape,
      rawBytes: countShape,
      leftOut: z.array(z.looseObject({ ...plainTable, partOf: z.array(z.looseObject(plainTable)) })).exactOptional(),
    }),
  ),
  dumpTool: z.looseObject({ name: z.string(), major: countShape, version: z.string() }),
  beganAt: instantShape,
  endedAt: instantShape,
  streamCount: countShape,
  tableCount: countShape,
  rowCount: countShape,
  rawBytes: countShape,
  storedBytes: countShape,
  pieceCount: countShape,
  isEncrypted: z.boolean(),
  warnings: z.array(warningShape),
  toolVersion: z.string(),
});

const page = { after: z.string().max(255).default(''), limit: z.coerce.number().int().min(1).max(1000).default(200) };

export const treeViewShape: z.ZodType<TreeView> = z.discriminatedUnion('of', [
  z.looseObject({ of: z.literal('databases'), ...page }),
  z.looseObject({ of: z.literal('schemas'), database: sqlNameShape, ...page }),
  z.looseObject({ of: z.literal('tables'), database: sqlNameShape, schema: sqlNameShape, ...page }),
]);

export const treePageShape: z.ZodType<TreePage> = z.object({
  nodes: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['database', 'schema', 'table', 'partitioned']),
      sizeBytes: countShape.exactOptional(),
      tableCount: countShape.exactOptional(),
    }),
  ),
  hasMore: z.boolean(),
});
