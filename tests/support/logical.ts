import { bug } from '#core/errors/fail.ts';
import type { InstanceAccess, LogicalBackupOptions, OrderOf } from '#core/agent/order.ts';
import type { LogicalStream } from '#core/logical/meta.ts';
import type { LogicalReader } from '#core/logical/reader.ts';
import type { LogicalSelection } from '#core/logical/selection.ts';
import type { LogicalSetSummary } from '#core/logical/set-summary.ts';
import type { StepContext } from '#core/ports/step.ts';
import { openLogicalSet } from '#agent/logical/open-logical-set.ts';
import { takeLogicalBackup } from '#agent/logical/take-logical-backup.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import type { BackupBench } from './backup.ts';
import { newTestId } from './backup.ts';

/** Logical backups of test instances into the pool of a bench. */
export interface LogicalBench {
  order(instance: InstanceAccess, selection?: LogicalSelection, options?: Partial<LogicalBackupOptions>): LogicalOrder;
  take(order: LogicalOrder, changes?: Partial<StepContext>): Promise<LogicalSetSummary>;
  /** Opens a set for the time of `use`. */
  read<T>(set: LogicalSetSummary, use: (reader: LogicalReader, pool: Pool) => Promise<T>): Promise<T>;
}
export type LogicalOrder = OrderOf<'logical-backup'>;

/** `programs`: directories of client programs; those of the tests when absent. */
export const openLogicalBench = async (bench: BackupBench, programs?: readonly string[]): Promise<LogicalBench> => {
  const directories = programs ?? [await provideClientTools(18), await provideClientTools(16)];
  const take = takeLogicalBackup({
    ...{ home: bench.home, clock: { nowMs: () => Date.now() }, newId: newTestId, toolVersion: '0.0.0-test' },
    programs: () => Promise.resolve(directories),
  });
  return {
    order: (instance, selection = { of: 'all' }, options = {}) => ({
      ...{ kind: 'logical-backup', runId: newTestId('run'), hostId: newTestId('host'), jobId: newTestId('job') },
      ...{ setId: newTestId('set'), instance, pool: bench.pool },
      options: { channels: 2, compression: { mode: 'fast' }, limits: {}, ...options },
      logical: { selection, lockWaitSeconds: 20 },
    }),
    take: (order, changes = {}) => {
      const { runId } = order;
      return take(order, bench.step({ ...bench.order(order.instance), runId }, changes));
    },
    read: async (set, use) => {
      const pool = await bench.openPool();
      try {
        return await use(await openLogicalSet(pool, set.setId), pool);
      } finally {
        await pool.close();
      }
    },
  };
};

/** All bytes of a stream. */
export const bytesOfStream = async (reader: LogicalReader, stream: LogicalStream): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of reader.read(stream)) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
};

/** The stream of a table. */
export const streamOfTable = (reader: LogicalReader, database: string, name: string): LogicalStream => {
  const found = reader.meta.streams.find(
    (each) =>
      each.database === database &&
      each.content.kind === 'table' &&
      `${each.content.schema}.${each.content.table}` === name,
  );
  if (found === undefined) throw bug(`the set has no rows of ${database}.${name}`);
  return found;
};
