import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { HostWork } from '#core/ports/host-work.ts';
import type { StepContext } from '#core/ports/step.ts';
import { demandDatabases } from '#core/transfer/choice.ts';
import { temporaryName } from '#core/transfer/names.ts';
import type { Placed } from '#core/transfer/task.ts';
import { databaseOfParts, databasesOfTask } from '#core/transfer/task.ts';
import type { DatabaseRecoveryOrder } from '#core/transfer/order.ts';
import type { TransferReport } from '#core/transfer/report.ts';
import { Stopwatch } from '#agent/restore/stopwatch.ts';
import type { Scratch, ScratchDeps } from '#agent/scratch/open-scratch.ts';
import { openScratch } from '#agent/scratch/open-scratch.ts';
import { discardScratch } from '#agent/scratch/scratch-base.ts';
import { checkNeeds } from './check-needs.ts';
import { findClientTools } from './play/client-tools.ts';
import { copyDatabase } from './play/copy-database.ts';
import { copyParts } from './play/copy-parts.ts';
import { openTransferJournal } from './journal.ts';
import { openMadeBook } from './play/made.ts';
import { warnUnlogged } from './swap/less-than-old.ts';
import type { Built } from './swap/planned-places.ts';
import { refuseTaken } from './swap/put-into-place.ts';
import { databasesOf, readNeeds } from './read-database.ts';
import type { Attempt } from './swap/swap-once.ts';
import { beginAfresh, finishSwap, giveUpUnlessSwapped, swapOnce, swappedBefore } from './swap/swap-once.ts';
import type { Target } from './target.ts';
import { openTarget } from './target.ts';
import type { TransferWork } from './transfer-work.ts';
import { TransferTally } from './transfer-work.ts';

/** Where scratch instances are made, and everything else that a transfer needs of its host. */
export type TransferDeps = ScratchDeps;

/**
 * Recovers databases, or tables of one database, to a point and puts them into a live instance: scratch instance at the point →
 * copy under a temporary name → proof → swap in one transaction → scratch instance away. Safe to call again with the same order
 * after a kill at any instant: a transfer begins again, a swap that happened is not done twice. Until the swap nothing live is
 * touched, and an end before it leaves nothing. Throws `transfer_…`, what a restore throws, `cancelled`.
 */
export const recoverDatabases =
  (deps: TransferDeps): HostWork['recoverDatabases'] =>
  async (order, step, tell): Promise<TransferReport> => {
    const journal = openTransferJournal(deps.home, order.runId);
    const finished = journal.finished();
    if (finished !== undefined) {
      await discardScratch(deps, order.runId);
      return finished;
    }
    const made = openMadeBook(deps.home, order.runId, order.instance.resourceId);
    const target = await openTarget(order.instance, { runId: order.runId, touched: touchedBy(order) });
    try {
      return await recover(deps, order, { target, journal, made, step, tell });
    } finally {
      await target.close();
    }
  };

const touchedBy = ({ task }: DatabaseRecoveryOrder): readonly string[] => task.databases.map(({ as }) => as);

async function recover(deps: TransferDeps, order: DatabaseRecoveryOrder, attempt: Attempt): Promise<TransferReport> {
  const { target, step } = attempt;
  const swapped = await swappedBefore(attempt);
  if (swapped !== undefined) return finish(deps, order, { ...attempt, report: swapped });
  await beginAfresh(attempt);
  await refuseTaken(target, order);
  const watch = new Stopwatch(deps.clock);
  const scratch = await watch.time('scratch', () => openScratch(deps)(requestOf(order), step));
  reach(step, 'swap.after-scratch');
  let isToStay = false;
  try {
    const work = await workFor(deps, order, { ...attempt, scratch, watch });
    const built = await build(work, scratch, order);
    reach(step, 'swap.after-build');
    work.tally.warnings.push(...(await warnUnlogged(target, built)));
    if (step.signal.aborted) throw fail('cancelled', { what: 'the recovery' });
    const report = await swapOnce(attempt, order, {
      ...{ built, watch },
      report: (placed) => reportOf(work, scratch, placed),
    });
    return await finish(deps, order, { ...attempt, report });
  } catch (error) {
    isToStay = error instanceof HoldfastError && error.isRetryable && !isCancelled(step);
    await giveUpUnlessSwapped(attempt);
    throw error;
  } finally {
    if (!isToStay) await scratch.discard();
  }
}

const isCancelled = ({ signal }: StepContext): boolean =>
  signal.reason instanceof HoldfastError && signal.reason.code === 'cancelled';

const requestOf = (order: DatabaseRecoveryOrder) => ({
  ...{ runId: order.runId, hostId: order.hostId, pool: order.pool, plan: order.plan },
  ...{ limits: order.limits, channels: order.channels, resourceId: order.instance.resourceId },
  ...(order.resumeBufferBytes === undefined ? {} : { resumeBufferBytes: order.resumeBufferBytes }),
  user: order.instance.login?.user,
});

interface Opened extends Attempt {
  readonly scratch: Scratch;
  readonly watch: Stopwatch;
}

/** Everything that can be refused is refused here: the source is known, the target has not been touched. */
async function workFor(
  deps: TransferDeps,
  order: DatabaseRecoveryOrder,
  { scratch, target, made, step, watch }: Opened,
): Promise<TransferWork> {
  const { serverMajor: major } = order.plan;
  if (target.session.serverMajor < major) {
    const { instance, session } = target;
    throw fail('transfer_target_older', { instance, source: String(major), target: String(session.serverMajor) });
  }
  const bytes = await checkChoice(scratch, target, order);
  const profile = engineProfile(order.instance.engine);
  const tools = await findClientTools(profile, major, [scratch.programs, ...(await deps.programs(major))]);
  const { runId } = order;
  const { home, clock } = deps;
  return { home, runId, step, clock, watch, target, made, profile, tools, tally: new TransferTally(step, bytes) };
}

/** Bytes of what was chosen. Throws `transfer_all_databases`, `transfer_database_unknown`, what `checkNeeds` throws. */
async function checkChoice(scratch: Scratch, target: Target, { task }: DatabaseRecoveryOrder): Promise<number> {
  const known = await withSession(scratch, undefined, databasesOf);
  const wanted = databasesOfTask(task);
  demandDatabases(task, known);
  const isAll = known.every((name) => task.databases.some(({ database, as }) => database === name && as === name));
  if (isAll) throw fail('transfer_all_databases', { databases: known.join(', ') });
  const needs = [];
  for (const database of wanted) needs.push(await withSession(scratch, database, readNeeds));
  // Tables and schemas need a part of what their database needs: the target itself says what of it is missing.
  if (task.databases.length > 0) await checkNeeds(target, needs);
  return needs.reduce((sum, one) => sum + one.bytes, 0);
}

async function withSession<T>(
  scratch: Scratch,
  database: string | undefined,
  use: (session: Awaited<ReturnType<Scratch['session']>>) => Promise<T>,
): Promise<T> {
  const session = await scratch.session(database);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

async function build(work: TransferWork, scratch: Scratch, { task, runId }: DatabaseRecoveryOrder): Promise<Built> {
  const databases = [];
  for (const [index, wanted] of task.databases.entries())
    databases.push(await copyDatabase(work, scratch, wanted, temporaryName(runId, index)));
  const database = databaseOfParts(task);
  if (database === undefined) return { databases };
  return withSession(scratch, database, (session) =>
    copyParts(work, { end: { access: scratch.access, database }, session }, task),
  );
}

function reportOf({ tally, watch }: TransferWork, { report }: Scratch, placed: readonly Placed[]): TransferReport {
  return {
    placed,
    ...(report.reachedLsn === undefined ? {} : { reachedLsn: report.reachedLsn }),
    ...(report.lastTransactionAt === undefined ? {} : { lastTransactionAt: report.lastTransactionAt }),
    ...{ tables: tally.tables, rows: tally.rows, bytes: tally.bytes, failures: [] },
    warnings: tally.warnings,
    secondsByPhase: watch.secondsByPhase(),
  };
}

/** What follows a swap, each safe to do again: the old ones go when they are not to be kept, the scratch instance goes. */
async function finish(
  deps: TransferDeps,
  order: DatabaseRecoveryOrder,
  { report, ...attempt }: Attempt & { readonly report: TransferReport },
): Promise<TransferReport> {
  const told = await finishSwap(attempt, order, report);
  await discardScratch(deps, order.runId);
  return told;
}
