import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { OrderOf } from '#core/agent/order.ts';
import { formatId, parseId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { NeededLog } from '#agent/wal/needed-log.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { LogReport } from '#core/restore/report.ts';
import { createPool } from '#agent/pools/open-pool.ts';
import { takeLogBackup } from '#agent/wal/take-log-backup.ts';
import type { Folder } from './folder.ts';
import { openFolder } from './folder.ts';
import type { Postgres } from './postgres.ts';

export const clock = { nowMs: (): number => Date.now() };
export const newId: IdSource = (prefix) => formatId(prefix, Date.now(), randomBytes(10));

/** A server that archives, pools for its log, and what the catalog was told. */
export interface LogStage {
  readonly server: Postgres;
  readonly pools: readonly PoolAccess[];
  readonly told: BatchSummary[];
  readonly systemId: string;
  readonly step: StepContext;
  order(change?: Partial<OrderOf<'log-backup'>>): OrderOf<'log-backup'>;
  backUp(change?: Partial<OrderOf<'log-backup'>>): Promise<LogReport>;
  close(): Promise<void>;
}

const makePool = async (folder: Folder, name: string, passphrase?: string): Promise<PoolAccess> => {
  const directory = join(folder.path, name);
  mkdirSync(directory);
  const secrets = passphrase === undefined ? {} : { passphrase };
  const access: PoolAccess = { poolId: newId('pool'), name, place: { kind: 'local', directory }, secrets };
  await createPool(access, clock);
  return access;
};

export interface StageOptions {
  readonly pools?: number;
  readonly passphrase?: string;
  /** What the API answers directly before files are deleted; nothing is needed when absent. */
  readonly neededLog?: NeededLog;
}

/** The caller opened the server with `archive: true` and closes the stage, which closes the server. */
export const openLogStage = async (server: Postgres, options: StageOptions = {}): Promise<LogStage> => {
  const folder = openFolder('hf-log-');
  const pools: PoolAccess[] = [];
  for (let i = 0; i < (options.pools ?? 1); i++)
    pools.push(await makePool(folder, `pool${String(i)}`, options.passphrase));
  const [row] =
    server.pid() === undefined ? [] : await server.sql('SELECT system_identifier::text AS id FROM pg_control_system()');
  const systemId = typeof row?.['id'] === 'string' ? row['id'] : '';
  const told: BatchSummary[] = [];
  const step: StepContext = {
    runId: newId('run'),
    signal: new AbortController().signal,
    report: () => undefined,
    log: () => undefined,
    limits: () => ({}),
  };
  const order: LogStage['order'] = (change = {}) => ({
    kind: 'log-backup',
    runId: newId('run'),
    hostId: parseId('host', `host_${'0'.repeat(32)}`),
    pools,
    neededFrom: [],
    instance: {
      resourceId: parseId('res', `res_${'0'.repeat(32)}`),
      engine: 'postgresql',
      dataDirectory: server.dataDirectory,
      socket: server.socketDirectory,
      port: server.port,
      login: { user: server.user, password: server.password, database: 'postgres' },
      systemId,
    },
    options: {
      ...{
        channels: 1,
        compression: { mode: 'fast' },
        archiveRetention: { mode: 'keep' },
        limits: {},
        isFastCheckpoint: true,
      },
      archiveDirectory: server.archiveDirectory,
    },
    ...change,
  });
  const channel = {
    putBatch: (batch: BatchSummary) => {
      if (!told.some((each) => each.batchId === batch.batchId)) told.push(batch);
      return Promise.resolve();
    },
  };
  return {
    ...{ server, pools, told, systemId, step, order },
    backUp: (change) =>
      takeLogBackup({ clock, newId, neededLog: options.neededLog ?? (() => Promise.resolve([])), channel })(
        order(change),
        step,
      ),
    close: async () => {
      await server.close();
      folder.remove();
    },
  };
};
