import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ArchiveRetention, OrderOf } from '#core/agent/order.ts';
import { formatId, parseId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { isSegmentName } from '#core/wal/segment-name.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { NeededLog } from '#agent/wal/needed-log.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { LogReport } from '#core/restore/report.ts';
import { createPool } from '#agent/pools/open-pool.ts';
import { takeLogBackup } from '#agent/wal/take-log-backup.ts';
import type { Folder } from './folder.ts';
import { openFolder } from './folder.ts';
import type { Major, Postgres } from './postgres.ts';
import { openPostgres } from './postgres.ts';

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
  backUp(change?: Partial<OrderOf<'log-backup'>>, held?: Partial<StepContext>): Promise<LogReport>;
  close(): Promise<void>;
}

const makePool = async (folder: Folder, name: string, options: StageOptions): Promise<PoolAccess> => {
  const directory = join(folder.path, name);
  mkdirSync(directory);
  const { passphrase, remote = { place: { kind: 'local' as const, directory }, secrets: {} } } = options;
  const secrets = { ...remote.secrets, ...(passphrase === undefined ? {} : { passphrase }) };
  const access: PoolAccess = { poolId: newId('pool'), name, place: remote.place, secrets };
  await createPool(access, clock);
  return access;
};

export interface StageOptions {
  readonly pools?: number;
  readonly passphrase?: string;
  /** Another pool than one on the local disk. */
  readonly remote?: Pick<PoolAccess, 'place' | 'secrets'>;
  /** Lines of the configuration of the server. */
  readonly config?: readonly string[];
  /** What the API answers directly before files are deleted; nothing is needed when absent. */
  readonly neededLog?: NeededLog;
}

/** The caller opened the server with `archive: true` and closes the stage, which closes the server. */
const openLogStage = async (server: Postgres, options: StageOptions = {}): Promise<LogStage> => {
  const folder = openFolder('hf-log-');
  const pools: PoolAccess[] = [];
  for (let i = 0; i < (options.pools ?? 1); i++) pools.push(await makePool(folder, `pool${String(i)}`, options));
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
    backUp: (change, held = {}) =>
      takeLogBackup({ clock, newId, neededLog: options.neededLog ?? (() => Promise.resolve([])), channel })(
        order(change),
        { ...step, ...held },
      ),
    close: async () => {
      await server.close();
      folder.remove();
    },
  };
};

/** A stage on an archiving server of its own, closed with the test. */
export const stageOn = async (major: Major = 15, options: StageOptions = {}): Promise<LogStage> => {
  const { config = [] } = options;
  const stage = await openLogStage(await openPostgres({ major, archive: true, config }), options);
  onTestFinished(() => stage.close());
  return stage;
};

/** Writes some log: rows of a table that is made when it is missing. */
export const writeRows = async ({ server }: LogStage, rows = 100): Promise<void> => {
  await server.sql('CREATE TABLE IF NOT EXISTS t (a int, b text)');
  await server.sql(`INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, ${String(rows)}) g`);
};

/** Names of the archived segments, in order. */
export const archived = ({ server }: LogStage): string[] =>
  readdirSync(server.archiveDirectory).filter(isSegmentName).sort();

/** A change of the order: what happens to archived files after the backup. */
export const withRetention = (stage: LogStage, archiveRetention: ArchiveRetention): Partial<OrderOf<'log-backup'>> => ({
  options: { ...stage.order().options, archiveRetention },
});
