import type { OrderOf } from '#core/agent/order.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { reach } from '#core/faults/fault-points.ts';
import { logicalMetaKey, logicalSetPrefix, logicalStartKey } from '#core/format/object-key.ts';
import type { Instant } from '#core/instant.ts';
import { instantFromMs } from '#core/instant.ts';
import type { LogicalMeta, PieceOfLogicalSet } from '#core/logical/meta.ts';
import type { LogicalSetSummary } from '#core/logical/set-summary.ts';
import { createTokenBucket } from '#core/pool/token-bucket.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { HostWork } from '#core/ports/host-work.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { StepContext } from '#core/ports/step.ts';
import { noProgress } from '#core/run/progress.ts';
import { diskNow } from '#core/run/rate.ts';
import { resumeBuffer } from '#core/run/resume-buffer.ts';
import { throwIfEnded } from '#agent/backup/ended.ts';
import { openRunJournal } from '#agent/backup/run-journal.ts';
import { objectsBelow, removeObjects } from '#agent/care/remove-objects.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPoolOfStep } from '#agent/pools/pool-of-step.ts';
import { takeTokens } from '#agent/pools/rate-limit.ts';
import { beginSet } from '#agent/sets/begin-set.ts';
import { levelOf } from '#agent/wal/take-log-backup.ts';
import type { DatabaseDone } from './backup-database.ts';
import { backUpDatabase } from './backup-database.ts';
import { commitLogicalSet } from './commit-logical-set.ts';
import type { Inspected } from './inspect-logical.ts';
import { inspectLogical } from './inspect-logical.ts';
import { committedLogicalSummary } from './open-logical-set.ts';
import type { WritingAttempt } from './stream-writer.ts';
import { StreamWriter, placedStreams } from './stream-writer.ts';

export interface LogicalBackupDeps {
  /** The agent's own directory: a lock there keeps a second process from the same run. */
  readonly home: string;
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly toolVersion: string;
  /** Directories with client programs to look in first. */
  readonly programs: () => Promise<readonly string[]>;
}

interface Attempt {
  readonly deps: LogicalBackupDeps;
  readonly order: OrderOf<'logical-backup'>;
  readonly step: StepContext;
  readonly pool: Pool;
}

/**
 * Takes a logical backup (K-050, K-072): of each database one snapshot, its definitions by the dump tool of the engine, its rows
 * by as many sessions as there are channels; everything goes through pieces, nothing is staged on a disk. Safe to call again
 * at any time with the same order: after a kill it begins anew with new snapshots and takes away what the attempt before put;
 * after the commit it answers the committed set. Throws, with nothing committed: `dump_tool_missing`, `dump_tool_too_old`,
 * `dump_tool_failed`, `logical_…`, `session_lost`, `cancelled`, and what the pool throws.
 */
export const takeLogicalBackup =
  (deps: LogicalBackupDeps): HostWork['takeLogicalBackup'] =>
  async (order, step) => {
    const journal = openRunJournal(deps.home, order.runId);
    try {
      const pool = await openPoolOfStep(order.pool, step, deps.clock);
      try {
        return (await committedLogicalSummary(pool, order.setId)) ?? (await backUp({ deps, order, step, pool }));
      } catch (error) {
        throwIfEnded(step.signal);
        throw error;
      } finally {
        await pool.close();
      }
    } finally {
      journal.forget();
      journal.close();
    }
  };

async function backUp(attempt: Attempt): Promise<LogicalSetSummary> {
  const { deps, order, step, pool } = attempt;
  const beganAt = instantFromMs(deps.clock.nowMs());
  const inspected = await inspectLogical({ order, step, programs: await deps.programs() });
  const start = logicalStartKey(order.setId);
  const keys = await beginSet(pool, { setId: order.setId, runId: order.runId }, start);
  reach(step, 'logical.after-start');
  await removeEarlierAttempts(attempt);
  const pieces: PieceOfLogicalSet[] = [];
  const writing: WritingAttempt = {
    ...{ pool, keys, attemptId: deps.newId('try'), level: levelOf(order.options.compression) },
    largestPiece: order.options.resumeBufferBytes ?? resumeBuffer.usual,
    nextPiece: counter(),
    faults: step.faults,
    onPiece: (piece) => {
      pieces.push(piece);
    },
  };
  const writers = Array.from({ length: order.options.channels }, (_, channel) => new StreamWriter(writing, channel));
  const databases = await backUpDatabases(attempt, inspected, writers, pieces);
  for (const writer of writers) await writer.flush();
  step.signal.throwIfAborted();
  step.report({ ...noProgress, ...progressOf(pieces), phase: 'commit' });
  const meta = metaOf({ attempt, inspected, writing, pieces, databases, beganAt });
  await step.demandOpen?.();
  return commitLogicalSet(pool, keys, meta, step);
}

const counter = (): (() => number) => {
  let last = 0;
  return () => (last += 1);
};

/** An attempt that died left pieces that no metadata will ever name. */
async function removeEarlierAttempts({ pool, order, step }: Attempt): Promise<void> {
  const kept: string[] = [logicalStartKey(order.setId), logicalMetaKey(order.setId)];
  const left = (await objectsBelow(pool, logicalSetPrefix(order.setId))).filter(({ key }) => !kept.includes(key));
  if (left.length === 0) return;
  try {
    const { objects, bytes } = await removeObjects(pool, left, step);
    const message = `an earlier attempt was given up: ${String(objects)} of its pieces with ${String(bytes)} bytes are removed`;
    step.log({ level: 'warn', message });
  } catch (error) {
    // A pool that protects its objects lets nothing go: they cost room until their time is over.
    if (!(error instanceof HoldfastError) || error.code !== 'delete_refused') throw error;
    step.log({ level: 'warn', message: `pieces of an earlier attempt stay: ${error.message}` });
  }
}

async function backUpDatabases(
  { deps, order, step }: Attempt,
  { selections, tool }: Inspected,
  writers: readonly StreamWriter[],
  pieces: readonly PieceOfLogicalSet[],
): Promise<readonly DatabaseDone[]> {
  const bucket = createTokenBucket(() => diskNow(step.limits()), deps.clock);
  const seen = { bytesRead: 0, bytesTotal: 0, filesDone: 0, filesTotal: 0 };
  const report = (): void => {
    const bytesTotal = Math.max(seen.bytesTotal, seen.bytesRead);
    step.report({ ...noProgress, ...progressOf(pieces), ...seen, bytesTotal, phase: 'copy' });
  };
  const done: DatabaseDone[] = [];
  for (const selection of selections) {
    done.push(
      await backUpDatabase({
        ...{ instance: order.instance, selection, lockWaitSeconds: order.logical.lockWaitSeconds, tool, writers },
        signal: step.signal,
        pace: async (bytes) => {
          await takeTokens(bucket, bytes, step.signal);
          seen.bytesRead += bytes;
          report();
        },
        log: (message) => {
          step.log({ level: 'warn', message: `${tool.name}: ${message}` });
        },
        onBegun: (streams, bytes) => {
          seen.filesTotal += streams;
          seen.bytesTotal += bytes;
          report();
        },
        onStream: () => {
          seen.filesDone += 1;
          report();
        },
      }),
    );
  }
  return done;
}

const progressOf = (pieces: readonly PieceOfLogicalSet[]) => ({
  piecesDone: pieces.length,
  bytesWritten: storedBytesOf(pieces),
});

const storedBytesOf = (pieces: readonly PieceOfLogicalSet[]): number =>
  pieces.reduce((sum, { storedBytes }) => sum + storedBytes, 0);

interface Finished {
  readonly attempt: Attempt;
  readonly inspected: Inspected;
  readonly writing: WritingAttempt;
  readonly pieces: readonly PieceOfLogicalSet[];
  readonly databases: readonly DatabaseDone[];
  readonly beganAt: Instant;
}

function metaOf({ attempt, inspected, writing, pieces, databases, beganAt }: Finished): LogicalMeta {
  const { deps, order, pool } = attempt;
  const { setId, runId, jobId, instance, logical } = order;
  const figures = databases.map((one) => one.figures);
  const streams = placedStreams(
    databases.flatMap((one) => one.streams),
    pieces,
  );
  const sumOf = (of: (one: (typeof figures)[number]) => number): number =>
    figures.reduce((sum, one) => sum + of(one), 0);
  const { name, major, version } = inspected.tool;
  const summary: LogicalSetSummary = {
    ...{ setId, runId, attemptId: writing.attemptId, jobId, resourceId: instance.resourceId },
    ...{ engine: instance.engine, serverVersion: inspected.serverVersion, systemId: instance.systemId },
    ...{ selection: logical.selection, databases: figures, dumpTool: { name, major, version } },
    ...{ beganAt, endedAt: instantFromMs(deps.clock.nowMs()), streamCount: streams.length },
    ...{ tableCount: sumOf(({ tableCount }) => tableCount), rowCount: sumOf(({ rowCount }) => rowCount) },
    ...{ rawBytes: sumOf(({ rawBytes }) => rawBytes), storedBytes: storedBytesOf(pieces), pieceCount: pieces.length },
    ...{ isEncrypted: pool.key !== undefined, warnings: [], toolVersion: deps.toolVersion },
  };
  return { summary, globals: inspected.globals, databases: databases.map(({ facts }) => facts), pieces, streams };
}
