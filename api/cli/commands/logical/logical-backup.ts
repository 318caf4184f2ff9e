import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { DatabaseSelection, LogicalSelection, TableName } from '#core/logical/selection.ts';
import { wholeDatabase } from '#core/logical/selection.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { compressionOf } from '#api/cli/commands/backup.ts';
import { hookOptions, hookShape, hooksOf } from '#api/cli/commands/jobs/hook-words.ts';
import {
  limitOptions,
  limitShape,
  limitsOf,
  reconnectOf,
  reconnectOptions,
  reconnectShape,
  resumeBufferOf,
  resumeBufferOptions,
  resumeBufferShape,
} from '#api/cli/commands/jobs/limit-words.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const names = z.array(z.string()).default([]);

const backupShape = z.object({
  ...{ ...waitShape, resource: z.string(), pool: z.string(), allDatabases: z.boolean().default(false) },
  ...{ database: names, schema: names, table: names, excludeSchema: names, excludeTable: names },
  ...{ channels: z.coerce.number().int().optional(), compression: z.string().optional() },
  ...{ lockWait: z.coerce.number().int().optional(), queue: z.boolean().default(false) },
  ...{ ...limitShape, ...reconnectShape, ...resumeBufferShape, ...hookShape },
});
type BackupArgs = z.output<typeof backupShape>;

export function addLogicalBackupVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'backup',
    title: 'back up databases, schemas or tables now; each database has a snapshot of its own (K-050, K-072)',
    options: {
      '--resource <resource>': 'database instance, by name or id',
      '--pool <pool>': 'where it goes',
      '--all-databases': 'every database that takes connections and is no template',
      '--database <database...>': 'these databases, whole or what of them is named below',
      '--schema <database.schema...>': 'only these schemas of a database',
      '--table <database.schema.table...>': 'only these tables; a partitioned table stands for its partitions',
      '--exclude-schema <database.schema...>': 'without these schemas',
      '--exclude-table <database.schema.table...>': 'without these tables',
      '--channels <n>': 'tables that are read at the same time, 1 to 255 (1; K-081)',
      '--compression <mode>': 'none, fast or a zstd level from 1 to 22 (fast; K-079)',
      '--lock-wait <seconds>': 'how long a lock on a table is waited for, 1 to 3600 (60)',
      ...limitOptions('reads'),
      ...resumeBufferOptions,
      ...hookOptions,
      ...reconnectOptions,
      '--queue': 'wait in line when another logical run of the resource is under way, instead of being refused',
      ...waitOptions,
    },
    shape: backupShape,
    act: (_cli, args, isJson) => {
      const { resource, pool, timeout, lockWait, reconnect } = args;
      const body = {
        ...{ resource, pool, selection: selectionOf(args), options: optionsOf(args) },
        ...(lockWait === undefined ? {} : { lockWaitSeconds: lockWait }),
        ...{ whenBusy: args.queue ? 'wait' : 'refuse', ...reconnectOf(reconnect), ...hooksOf(args) },
      };
      return startAndWatch(cli, { path: '/api/v1/logical-backups', body, wait: args.wait, timeout, isJson });
    },
  });
}

function optionsOf(args: BackupArgs) {
  const { channels, compression, resumeBuffer } = args;
  return {
    ...(channels === undefined ? {} : { channels }),
    ...(compression === undefined ? {} : { compression: compressionOf(compression) }),
    ...{ limits: limitsOf(args), ...resumeBufferOf(resumeBuffer) },
  };
}

/** What was typed, gathered by database. Throws `value_malformed`. */
export function selectionOf(
  args: Pick<BackupArgs, 'allDatabases' | 'database' | 'schema' | 'table' | 'excludeSchema' | 'excludeTable'>,
): LogicalSelection {
  const chosen = new Map<string, Writable>();
  const of = (database: string): Writable => {
    const found = chosen.get(database) ?? writable(database);
    chosen.set(database, found);
    return found;
  };
  args.database.forEach(of);
  for (const text of args.schema) of(partsOf(text, 2)[0]).schemas.push(partsOf(text, 2)[1]);
  for (const text of args.excludeSchema) of(partsOf(text, 2)[0]).excludeSchemas.push(partsOf(text, 2)[1]);
  for (const text of args.table) of(partsOf(text, 3)[0]).tables.push(tableOf(text));
  for (const text of args.excludeTable) of(partsOf(text, 3)[0]).excludeTables.push(tableOf(text));
  if (args.allDatabases !== (chosen.size === 0))
    throw fail('value_malformed', {
      text: args.allDatabases ? '--all-databases with others' : 'nothing',
      what: 'selection',
      expected: 'either --all-databases, or --database, --schema and --table',
    });
  return args.allDatabases ? { of: 'all' } : { of: 'chosen', databases: [...chosen.values()] };
}

interface Writable extends DatabaseSelection {
  readonly schemas: string[];
  readonly tables: TableName[];
  readonly excludeSchemas: string[];
  readonly excludeTables: TableName[];
}

const writable = (database: string): Writable => ({
  ...wholeDatabase(database),
  ...{ schemas: [], tables: [], excludeSchemas: [], excludeTables: [] },
});

const tableOf = (text: string): TableName => {
  const [, schema, table] = partsOf(text, 3);
  return { schema, table };
};

/** Parts between dots; a part in double quotes may hold dots, and a doubled quote stands for one. */
function partsOf(text: string, count: 2 | 3): [string, string, string] {
  const parts = [...text.matchAll(/(?:^|\.)(?:"((?:[^"]|"")+)"|([^".]+))/g)];
  const isWhole = parts.map(([whole]) => whole).join('') === text && parts.length === count;
  const [first = '', second = '', third = ''] = parts.map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
  if (isWhole) return [first, second, third];
  const expected = count === 2 ? 'database.schema' : 'database.schema.table';
  throw fail('value_malformed', {
    text,
    what: 'name',
    expected: `${expected}, with "…" around a part that holds a dot`,
  });
}
