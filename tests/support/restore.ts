import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import { planRestore } from '#core/restore/plan/plan-restore.ts';
import type { LogReport, RestoreReport } from '#core/restore/report.ts';
import { isAlive, readPidFile } from '#agent/datadir/reader.ts';
import { restore } from '#agent/restore/restore.ts';
import { takeLogBackup } from '#agent/wal/take-log-backup.ts';
import type { BackupBench } from './backup.ts';
import { newTestId } from './backup.ts';
import { giveToUnprivileged, unprivilegedUser } from '#scripts/supervisor/unprivileged.ts';
import type { Postgres } from './postgres.ts';

/** Plans and executes restores of what a backup bench took. */
export interface RestoreBench {
  plan(changes: Partial<RestoreRequest> & Pick<RestoreRequest, 'target'>): RestorePlan;
  order(plan: RestorePlan, changes?: Partial<OrderOf<'restore'>>): OrderOf<'restore'>;
  restore(order: OrderOf<'restore'>, changes?: Partial<StepContext>): Promise<RestoreReport>;
  /** Rows of a statement on the restored copy. */
  sql(report: RestoreReport, text: string, database?: string): Promise<Record<string, unknown>[]>;
  /** Stops the server in a directory. */
  stop(directory: string): Promise<void>;
  /** Account that copies belong to, as the agent settings name it. */
  readonly account: string;
  readonly sets: SetSummary[];
  readonly batches: BatchSummary[];
  /** Closes and backs up the log; its batches join `batches`. */
  backUpLog(instance: InstanceAccess, archiveDirectory: string): Promise<LogReport>;
  directory(name: string): string;
  makeTablespaceDirectory(path: string): void;
  /** Stops every server that a restore of this bench left running. */
  close(): Promise<void>;
}

export function openRestoreBench(bench: BackupBench, postgres: Postgres): RestoreBench {
  const sets: SetSummary[] = [];
  const batches: BatchSummary[] = [];
  const user = unprivilegedUser();
  const account = user === undefined ? '' : `${String(user.uid)}:${String(user.gid)}`;
  const clock = { nowMs: () => Date.now() };
  const channel = {
    putBatch: (batch: BatchSummary) => {
      batches.push(batch);
      return Promise.resolve();
    },
  };
  const backUp = takeLogBackup({ clock, newId: newTestId, neededLog: () => Promise.resolve([]), channel });
  const run = restore({
    home: bench.home,
    ...{ clock, channel, newId: newTestId },
    programs: () => Promise.resolve([postgres.programs]),
    logDirectories: () => Promise.resolve([]),
    account,
  });
  const opened = new Set<string>();
  const stop = async (directory: string): Promise<void> => {
    const file = readPidFile(directory);
    if (file === undefined || !isAlive(file.pid)) return;
    process.kill(file.pid, 'SIGINT');
    while (isAlive(file.pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  return {
    ...{ sets, batches, stop, account },
    directory: (name) => join(bench.folder, name),
    plan: (changes) =>
      planRestore({
        ...{ log: { sets, batches }, resourceName: 'test resource', tablespaceMap: {}, isOpenedAfter: true },
        place: { kind: 'copy', directory: join(bench.folder, 'copy') },
        ...changes,
      }),
    order: (plan, changes = {}) => ({
      ...{
        kind: 'restore',
        runId: newTestId('run'),
        hostId: newTestId('host'),
        pool: bench.pool,
        plan,
        limits: {},
        channels: 2,
      },
      ...changes,
    }),
    restore: (order, changes = {}) => {
      opened.add(order.plan.place.directory);
      return run(order, {
        ...{ runId: order.runId, signal: new AbortController().signal, limits: () => ({}) },
        report: (progress) => void bench.reports.push(progress),
        log: (line) => void bench.lines.push(line),
        ...changes,
      });
    },
    async sql(report, text, database = 'postgres') {
      const client = new pg.Client({
        host: report.socket ?? '',
        port: report.port ?? 0,
        user: postgres.user,
        password: postgres.password,
        database,
      });
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(text)).rows;
      } finally {
        await client.end();
      }
    },
    backUpLog: (instance, archiveDirectory) => {
      const order = bench.order(instance, { archiveDirectory });
      const { runId, hostId, options } = order;
      return backUp(
        { kind: 'log-backup', runId, hostId, instance, pools: [bench.pool], options, neededFrom: [] },
        bench.step(order),
      );
    },
    makeTablespaceDirectory: (path) => {
      mkdirSync(path, { mode: 0o700 });
      giveToUnprivileged(path);
    },
    close: async () => {
      for (const directory of opened) await stop(directory);
    },
  };
}
