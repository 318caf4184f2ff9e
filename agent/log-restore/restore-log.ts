import type { OrderOf } from '#core/agent/order.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { reach } from '#core/faults/fault-points.ts';
import { parseObjectKey } from '#core/format/object-key.ts';
import type { LogRestoreReport, MissingLog, PlannedLog } from '#core/log/log-restore-plan.ts';
import { recoveryFileName, recoverySnippet } from '#core/log/recovery-snippet.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import { noProgress } from '#core/run/progress.ts';
import { claimDirectory, isMarkedFor } from '#agent/datadir/writer-marker.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPoolOfStep } from '#agent/pools/pool-of-step.ts';
import { ownerOfCopy } from '#agent/restore/place/owner.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import { LogDirectory } from './log-directory.ts';
import type { LogRestoreMemory } from './log-place.ts';
import { openLogRestoreMemory } from './log-place.ts';
import { logPathOf, refusePlace } from './refuse-place.ts';
import { LogProver, damageOf } from './prove-log.ts';

export interface LogRestoreDeps {
  /** The agent's own directory: what it began is kept below `runs/`. */
  readonly home: string;
  readonly clock: Clock;
  /** Canonical directories in which instances of this host keep log. */
  readonly logDirectories: () => Promise<readonly string[]>;
  /** Account that owns the files when the agent is root: a server of that account shall read them. */
  readonly account: string;
}

type LogRestoreOrder = OrderOf<'log-restore'>;

/** Segments fetched at once: each is up to a segment in memory. */
const fetchesAtOnce = 4;

/**
 * Fetches log into an empty directory of its own: segments padded to whole files, every known history file, and a file that a
 * recovery is set up with; nothing is recovered (K-091, K-109). Each segment is proven by its hash, its header and the CRC chain of
 * its records before a byte of it is written; one that is damaged is left out and told. Until it is whole the directory carries the
 * mark of the run. Safe to call again: after trouble that passes, a restart or a kill the next attempt of the run keeps what is
 * proven; a cancelled one leaves the directory as it was found, one that fails for good leaves it empty. Throws `target_not_empty`,
 * `target_of_other_run`, `place_in_use`, `space_too_little`, `log_all_damaged`, `cancelled`, what the pool throws.
 */
export const restoreLog =
  (deps: LogRestoreDeps) =>
  async (order: LogRestoreOrder, step: StepContext): Promise<LogRestoreReport> => {
    const memory = openLogRestoreMemory(deps.home, order.runId);
    const known = memory.finished();
    if (known !== undefined) {
      memory.release(known);
      return known;
    }
    const path = logPathOf(order.directory);
    const owner = ownerOfCopy(deps.account, path);
    const isBegun = !isAbsent(path) && isMarkedFor(path, order.runId);
    if (!isBegun) refusePlace(path, { owner, bytes: order.plan.rawBytes, logDirectories: await deps.logDirectories() });
    const pool = await openPoolOfStep(order.pool, step, deps.clock);
    const directory = new LogDirectory(path, owner);
    try {
      await memory.begin(path);
      reach(step, 'log-restore.after-begin');
      directory.make();
      claimDirectory(path, order.runId, owner);
      const report = await write({ order, step, pool, directory, nowMs: deps.clock.nowMs() });
      reach(step, 'log-restore.after-files');
      await memory.finish(report);
      reach(step, 'log-restore.after-report');
      memory.release(report);
      return report;
    } catch (error) {
      leave(memory, step, error);
      throw error;
    } finally {
      directory.close();
      await pool.close();
    }
  };

/** What the next attempt of the run can go on with stays; otherwise the directory is given back. */
function leave(memory: LogRestoreMemory, step: StepContext, error: unknown): void {
  const end: unknown = step.signal.aborted ? step.signal.reason : error;
  if (end instanceof HoldfastError && end.isRetryable) return;
  try {
    if (step.signal.aborted) memory.undo();
    else memory.empty();
  } catch (left) {
    // The first failure is the one that counts; the agent tries again when the run is over.
    const why = left instanceof Error ? left.message : String(left);
    step.log({ level: 'error', message: `the fetched log could not be removed: ${why}` });
  }
}

interface LogRestore {
  readonly order: LogRestoreOrder;
  readonly step: StepContext;
  readonly pool: Pool;
  readonly directory: LogDirectory;
  readonly nowMs: number;
}

async function write(restore: LogRestore): Promise<LogRestoreReport> {
  const { order, directory, nowMs } = restore;
  const { plan } = order;
  const { written, damaged } = await writeSegments(restore);
  const missing = [...plan.gaps, ...damaged];
  const texts = Object.entries(plan.histories);
  const snippet = recoverySnippet(plan, { directory: directory.path, missing }, engineProfile(plan.engine).recovery);
  for (const [name, text] of [...texts, [recoveryFileName, snippet] as const])
    await directory.write(name, Buffer.from(text), nowMs);
  directory.finish();
  const [first] = written;
  const last = written[written.length - 1];
  return {
    directory: directory.path,
    ...{ segments: written.length, histories: texts.length, bytesWritten: written.length * plan.segmentBytes },
    ...(first === undefined ? {} : { from: first.from }),
    ...(last === undefined ? {} : { to: last.to }),
    recoveryFile: `${directory.path}/${recoveryFileName}`,
    missing,
  };
}

interface Written {
  readonly written: readonly PlannedLog[];
  readonly damaged: readonly MissingLog[];
}

/** One segment after the other is proven and written while the next ones are on their way. */
async function writeSegments(restore: LogRestore): Promise<Written> {
  const { order, step, pool, directory, nowMs } = restore;
  const { segments, segmentBytes, rawBytes } = order.plan;
  const prover = new LogProver(order.plan, pool.name);
  const written: PlannedLog[] = [];
  const damaged: MissingLog[] = [];
  for await (const { segment, end } of fetched(restore)) {
    if (step.signal.aborted) throw fail('cancelled', { what: 'the fetch of log' });
    try {
      if ('error' in end) throw end.error;
      if (end.raw !== undefined) await directory.write(segment.name, prover.prove(segment, end.raw), nowMs);
      reach(step, 'log-restore.after-segment');
      written.push(segment);
    } catch (error) {
      const found = damageOf(segment, error);
      step.log({ level: 'error', message: found.what });
      damaged.push(found);
    }
    const filesDone = written.length + damaged.length;
    const counts = { bytesWritten: written.length * segmentBytes, bytesTotal: rawBytes };
    step.report({ ...noProgress, phase: 'log', ...counts, filesDone, filesTotal: segments.length });
  }
  const [first] = damaged;
  if (written.length === 0 && first !== undefined)
    throw fail('log_all_damaged', { count: String(damaged.length), pool: pool.name, first: first.what });
  return { written, damaged };
}

/** A segment that was fetched; without bytes it lies in the directory already. */
interface Fetched {
  readonly segment: PlannedLog;
  readonly end: { readonly raw?: Uint8Array } | { readonly error: unknown };
}

async function* fetched(restore: LogRestore): AsyncGenerator<Fetched> {
  const { segments } = restore.order.plan;
  const ways = segments.slice(0, fetchesAtOnce).map((segment) => fetchOne(restore, segment));
  for (let next = ways.length, first = ways.shift(); first !== undefined; next++, first = ways.shift()) {
    const segment = segments[next];
    if (segment !== undefined) ways.push(fetchOne(restore, segment));
    yield await first;
  }
}

/** Never rejects: nobody may be waiting for it any more. */
async function fetchOne({ pool, directory }: LogRestore, segment: PlannedLog): Promise<Fetched> {
  try {
    if (directory.has(segment.name, segment.rawSha256)) return { segment, end: {} };
    const raw = await getLogSegment(pool, parseObjectKey(segment.object), segment.rawSha256);
    return { segment, end: { raw } };
  } catch (error) {
    return { segment, end: { error } };
  }
}
