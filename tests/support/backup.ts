import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { BackupOptions, InstanceAccess, OrderOf } from '#core/agent/order.ts';
import { formatId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { LogLine, Progress } from '#core/run/progress.ts';
import { takeFullBackup } from '#agent/backup/take-full-backup.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openFolder } from './folder.ts';
import type { Postgres } from './postgres.ts';

const clock = { nowMs: () => Date.now() };
export const newTestId = <P extends Parameters<typeof formatId>[0]>(prefix: P) =>
  formatId(prefix, Date.now(), randomBytes(10));

/** A local pool and an agent home, ready for backups of a test instance. */
export interface BackupBench {
  readonly folder: string;
  readonly home: string;
  readonly pool: PoolAccess;
  readonly reports: Progress[];
  readonly lines: LogLine[];
  order(instance: InstanceAccess, options?: Partial<BackupOptions>): OrderOf<'full-backup'>;
  step(order: OrderOf<'full-backup'>, changes?: Partial<StepContext>): StepContext;
  readonly takeFullBackup: ReturnType<typeof takeFullBackup>;
  openPool(): Promise<Pool>;
  close(): void;
}

/** The instance as an order names it. */
export async function instanceAccess(
  postgres: Postgres,
  changes: Partial<InstanceAccess> = {},
): Promise<InstanceAccess> {
  const [row] = await postgres.sql('select system_identifier::text as id from pg_control_system()');
  const { user, password } = postgres;
  return {
    resourceId: newTestId('res'),
    engine: 'postgresql',
    dataDirectory: postgres.dataDirectory,
    socket: postgres.socketDirectory,
    port: postgres.port,
    login: { user, password, database: 'postgres' },
    systemId: String(row?.['id']),
    ...changes,
  };
}

export interface BenchOptions {
  readonly passphrase?: string;
  /** Another pool than one on the local disk. */
  readonly remote?: { readonly place: PoolAccess['place']; readonly secrets: PoolAccess['secrets'] };
}

export async function openBackupBench({ passphrase, remote }: BenchOptions = {}): Promise<BackupBench> {
  const base = openFolder('hf-backup-');
  const folder = base.path;
  const place = remote?.place ?? { kind: 'local', directory: join(folder, 'pool') };
  const pool: PoolAccess = {
    poolId: newTestId('pool'),
    name: 'test pool',
    place,
    secrets: { ...remote?.secrets, ...(passphrase === undefined ? {} : { passphrase }) },
  };
  await createPool(pool, clock);
  const home = join(folder, 'agent');
  const bench: BackupBench = {
    ...{ folder, home, pool, reports: [], lines: [] },
    order: (instance, options = {}) => ({
      ...{
        kind: 'full-backup',
        runId: newTestId('run'),
        hostId: newTestId('host'),
        setId: newTestId('set'),
        instance,
        pool,
      },
      options: {
        channels: 2,
        compression: { mode: 'fast' },
        archiveRetention: { mode: 'keep' },
        limits: {},
        isFastCheckpoint: true,
        ...options,
      },
    }),
    step: ({ runId }, changes = {}) => ({
      ...{ runId, signal: new AbortController().signal, limits: () => ({}) },
      report: (progress) => void bench.reports.push(progress),
      log: (line) => void bench.lines.push(line),
      ...changes,
    }),
    takeFullBackup: takeFullBackup({
      home,
      clock,
      newId: newTestId,
      neededLog: () => Promise.resolve([]),
      toolVersion: '0.0.0-test',
    }),
    openPool: () => openPool(pool),
    close: () => {
      base.remove();
    },
  };
  return bench;
}
