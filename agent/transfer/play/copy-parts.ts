import type { TransferTask } from '#core/transfer/task.ts';
import { copySchemas } from './copy-schemas.ts';
import type { TableSource } from './copy-tables.ts';
import { copyTables } from './copy-tables.ts';
import type { Built } from '#agent/transfer/swap/planned-places.ts';
import type { TransferWork } from '#agent/transfer/transfer-work.ts';

/** Builds the schemas, or the tables, that a task wants, beside the live ones. Throws what `copySchemas` and `copyTables` throw. */
export async function copyParts(work: TransferWork, source: TableSource, task: TransferTask): Promise<Built> {
  const { schemas = [] } = task;
  if (schemas.length > 0) return { databases: [], schemas: await copySchemas(work, source, schemas) };
  return { databases: [], tables: await copyTables(work, source, task.tables) };
}
