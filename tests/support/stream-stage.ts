import { expect } from 'vitest';
import type { BackupOptions, InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { fail } from '#core/errors/fail.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { StepContext } from '#core/ports/step.ts';
import { streamLog } from '#agent/stream/stream-log.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { BackupBench } from './backup.ts';
import { instanceAccess, newTestId, openBackupBench } from './backup.ts';
import type { Postgres, PostgresOptions } from './postgres.ts';
import { openPostgres } from './postgres.ts';
import type { RestoreBench } from './restore.ts';
import { openRestoreBench } from './restore.ts';

type Order = OrderOf<'log-stream'>;

/** A stream that runs until it is ended. */
export interface RunningStream {
  readonly order: Order;
  readonly lines: string[];
  /** A person cancels the run. Answers the error with which the step ended. */
  cancel(): Promise<HoldfastError>;
  /** The agent is stopped or killed: the run goes on in the next process. */
  stop(): Promise<HoldfastError>;
  /** Settles when the stream ends by itself. */
  readonly end: Promise<HoldfastError>;
}

/** A server whose log is streamed into a pool, and what the catalog was told. */
export interface StreamStage {
  readonly postgres: Postgres;
  readonly bench: BackupBench;
  readonly restores: RestoreBench;
  readonly access: InstanceAccess;
  readonly batches: readonly BatchSummary[];
  /** Begins a stream, or goes on with the one that ran before; `options` are of a new one. */
  stream(before?: Pick<RunningStream, 'order'>, options?: Partial<BackupOptions>): RunningStream;
  /** Waits until the log is committed up to what the server (of the stage when absent) writes now, and known up to now. */
  readonly untilCovered: (server?: { sql(text: string): Promise<Record<string, unknown>[]> }) => Promise<void>;
  slots(): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

export interface StreamStageOptions {
  /** Of an encrypted pool. */
  readonly passphrase?: string;
  /** Milliseconds that the clock of the agent is ahead; asked each time. */
  readonly aheadMs?: () => number;
}

export async function openStreamStage(
  options: PostgresOptions,
  { passphrase, aheadMs = () => 0 }: StreamStageOptions = {},
): Promise<StreamStage> {
  const postgres = await openPostgres(options);
  const bench = await openBackupBench(passphrase === undefined ? {} : { passphrase });
  const restores = openRestoreBench(bench, postgres);
  const access = await instanceAccess(postgres);
  const { batches } = restores;
  const clock = { nowMs: () => Date.now() + aheadMs() };
  const channel = {
    putBatch: (batch: BatchSummary) => {
      if (!batches.some(({ batchId }) => batchId === batch.batchId)) batches.push(batch);
      return Promise.resolve();
    },
  };
  const run = streamLog({ home: bench.home, clock, newId: newTestId, channel });
  const live = new Set<RunningStream>();
  const stream: StreamStage['stream'] = (before, changed = {}) => {
    const { runId, hostId, options: backup } = bench.order(access, changed);
    const order = before?.order ?? {
      ...{ kind: 'log-stream' as const, runId, hostId, instance: access, pool: bench.pool, options: backup },
      tailSeconds: 1,
    };
    const abort = new AbortController();
    const lines: string[] = [];
    const step: StepContext = {
      ...{ runId: order.runId, signal: abort.signal, limits: () => ({}), report: () => undefined, reconnectMs: 60_000 },
      log: ({ message }) => void lines.push(message),
    };
    const end = run(order, step).then(
      () => fail('cancelled', { what: 'a stream that ended without an error' }),
      (error: unknown) => error as HoldfastError,
    );
    const endBy = (reason: HoldfastError): Promise<HoldfastError> => {
      abort.abort(reason);
      live.delete(running);
      return end;
    };
    const running: RunningStream = {
      ...{ order, lines, end },
      cancel: () => endBy(fail('cancelled', { what: 'the stream' })),
      stop: () => endBy(fail('agent_stopping', {})),
    };
    live.add(running);
    return running;
  };
  return {
    ...{ postgres, bench, restores, access, batches, stream },
    untilCovered: async (server = postgres) => {
      const [row] = await server.sql(
        'select to_char(clock_timestamp() at time zone \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') as now',
      );
      const now = String(row?.['now']);
      const isCovered = (): boolean => batches.some(({ coveredUntil }) => coveredUntil >= now);
      expect(await waitFor(() => Promise.resolve(isCovered()), 20_000)).toBe(true);
    },
    slots: () => postgres.sql('select slot_name, slot_type, active from pg_replication_slots'),
    close: async () => {
      for (const one of live) await one.stop();
      await restores.close();
      bench.close();
      await postgres.close();
    },
  };
}
