import { z } from 'zod';
import type { TransferReport } from '../../transfer/report.ts';
import type { Placed, PlacesTold, SettleTask, TransferTask } from '../../transfer/task.ts';
import { sqlNameShape } from './logical.ts';
import { warningShape } from './progress.ts';
import { countShape, idShape, instantShape, lsnShape } from './words.ts';

const tableWords = { schema: sqlNameShape, table: sqlNameShape };

const wantedDatabaseShape = z.object({ database: sqlNameShape, as: sqlNameShape });
const wantedTableShape = z.object({ database: sqlNameShape, ...tableWords, as: sqlNameShape });

const wantedSchemaShape = z.object({ database: sqlNameShape, schema: sqlNameShape, as: sqlNameShape });

export const transferTaskShape: z.ZodType<TransferTask> = z.looseObject({
  databases: z.array(wantedDatabaseShape),
  tables: z.array(wantedTableShape),
  schemas: z.array(wantedSchemaShape).exactOptional(),
  endsSessions: z.boolean(),
  dropsOld: z.boolean(),
});

const oidShape = z.string().regex(/^[0-9]{1,10}$/);
const oidWords = {
  oid: oidShape,
  keptOid: oidShape.exactOptional(),
  takenKeys: z.array(z.looseObject({ ...tableWords, name: sqlNameShape, definition: z.string() })).exactOptional(),
};

export const placedShape: z.ZodType<Placed> = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('database'), name: sqlNameShape, keptAs: sqlNameShape.exactOptional(), ...oidWords }),
  z.looseObject({
    ...{ kind: z.literal('schema'), database: sqlNameShape, name: sqlNameShape, keptAs: sqlNameShape.exactOptional() },
    ...oidWords,
  }),
  z.looseObject({
    ...{ kind: z.literal('table'), database: sqlNameShape, ...tableWords, keptIn: sqlNameShape.exactOptional() },
    ...oidWords,
  }),
]);

export const placesToldShape: z.ZodType<PlacesTold> = z.looseObject({
  placed: z.array(placedShape),
  isSwapped: z.boolean(),
});

export const settleTaskShape: z.ZodType<SettleTask> = z.looseObject({
  does: z.enum(['confirm', 'undo', 'discard']),
  of: idShape('run'),
  placed: z.array(placedShape),
  endsSessions: z.boolean(),
});

export const transferReportShape: z.ZodType<TransferReport> = z.looseObject({
  placed: z.array(placedShape),
  reachedLsn: lsnShape.exactOptional(),
  lastTransactionAt: instantShape.exactOptional(),
  tables: countShape,
  rows: countShape,
  bytes: countShape,
  failures: z.array(
    z.looseObject({ object: z.string(), sqlState: z.string(), message: z.string(), statement: z.string() }),
  ),
  warnings: z.array(warningShape),
  secondsByPhase: z.record(z.string(), z.number()),
});
