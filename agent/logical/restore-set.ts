import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import type { DatabaseFacts } from '#core/logical/meta.ts';
import type { LogicalReader } from '#core/logical/reader.ts';
import type { HostWork } from '#core/ports/host-work.ts';
import { failureWarnings } from '#core/transfer/failed-statements.ts';
import { grantsOfText } from '#core/transfer/acl-text.ts';
import { temporaryName } from '#core/transfer/names.ts';
import type { LogicalRestoreOrder } from '#core/transfer/order.ts';
import type { FailedStatement, TransferReport } from '#core/transfer/report.ts';
import { demandDatabases, refuseParts, warnLeftOut } from '#core/transfer/choice.ts';
import type { Placed } from '#core/transfer/task.ts';
import { databaseOfParts, databasesOfTask } from '#core/transfer/task.ts';
import { openPoolOfStep } from '#agent/pools/pool-of-step.ts';
import { Stopwatch } from '#agent/restore/stopwatch.ts';
import { checkNeeds } from '#agent/transfer/check-needs.ts';
import { findClientTools } from '#agent/transfer/play/client-tools.ts';
import type { BuiltDatabase } from '#agent/transfer/play/copy-database.ts';
import { warnDifferences } from '#agent/transfer/play/copy-database.ts';
import { copyParts } from '#agent/transfer/play/copy-parts.ts';
import { inDatabase } from '#agent/transfer/play/in-database.ts';
import { openTransferJournal } from '#agent/transfer/journal.ts';
import { openMadeBook } from '#agent/transfer/play/made.ts';
import type { Built } from '#agent/transfer/swap/planned-places.ts';
import { refuseTaken } from '#agent/transfer/swap/put-into-place.ts';
import type { Attempt } from '#agent/transfer/swap/swap-once.ts';
import {
  beginAfresh,
  finishSwap,
  giveUpUnlessSwapped,
  swapOnce,
  swappedBefore,
} from '#agent/transfer/swap/swap-once.ts';
import type { TransferDeps } from '#agent/transfer/recover-databases.ts';
import { openTarget } from '#agent/transfer/target.ts';
import type { TransferWork } from '#agent/transfer/transfer-work.ts';
import { TransferTally } from '#agent/transfer/transfer-work.ts';
import { openLogicalSet } from './open-logical-set.ts';
import { restoreDatabase } from './restore-database.ts';

type RestoreDeps = Pick<TransferDeps, 'home' | 'clock' | 'programs'>;

/**
 * Restores databases, or tables of one, from a logical set into a live instance: built under a temporary name, proven, swapped
 * by rename in one transaction. For tables their whole database is built under a temporary name first, so that what they refer to is
 * there. Safe to call again after a kill: it begins again, a swap that happened is not done twice. Throws `transfer_…`,
 * `logical_set_not_committed`, what the pool throws, `cancelled`.
 */
export const restoreLogicalSet =
  (deps: RestoreDeps): HostWork['restoreLogicalSet'] =>
  async (order, step, tell): Promise<TransferReport> => {
    const journal = openTransferJournal(deps.home, order.runId);
    const finished = journal.finished();
    if (finished !== undefined) return finished;
    const made = openMadeBook(deps.home, order.runId, order.instance.resourceId);
    const touched = order.task.databases.map(({ as }) => as);
    const target = await openTarget(order.instance, { runId: order.runId, touched });
    try {
      return await restoreInto(deps, order, { target, journal, made, step, tell });
    } finally {
      await target.close();
    }
  };

async function restoreInto(deps: RestoreDeps, order: LogicalRestoreOrder, attempt: Attempt): Promise<TransferReport> {
  const { target, step } = attempt;
  const swapped = await swappedBefore(attempt);
  if (swapped !== undefined) return finishSwap(attempt, order, swapped);
  await beginAfresh(attempt);
  await refuseTaken(target, order);
  const pool = await openPoolOfStep(order.pool, step, deps.clock);
  try {
    const reader = await openLogicalSet(pool, order.setId);
    const work = await workFor(deps, order, attempt, reader);
    const { built, failures } = await build(work, order, reader);
    if (step.signal.aborted) throw fail('cancelled', { what: 'the restore' });
    const report = await swapOnce(attempt, order, {
      ...{ built, watch: work.watch },
      report: (placed) => reportOf(work, placed, failures),
    });
    return await finishSwap(attempt, order, report);
  } catch (error) {
    await giveUpUnlessSwapped(attempt);
    throw error;
  } finally {
    await pool.close();
  }
}

/** Everything that can be refused is refused here: nothing has been made. */
async function workFor(
  deps: RestoreDeps,
  order: LogicalRestoreOrder,
  { target, made, step }: Attempt,
  { meta }: LogicalReader,
): Promise<TransferWork> {
  const { serverVersion, dumpTool } = meta.summary;
  const source = Math.floor(serverVersion / 10_000);
  const { serverMajor } = target.session;
  if (serverMajor < source)
    throw fail('transfer_target_older', {
      ...{ instance: target.instance, source: String(source), target: String(serverMajor) },
    });
  const chosen = factsChosen(order, meta.databases);
  refuseParts(order.task, meta.summary);
  const needs = chosen.map((facts) => ({
    ...{ roles: rolesOf(facts), tablespaces: [facts.tablespace, ...facts.tablespaces] },
    extensions: facts.extensions.map(({ name }) => name),
    bytes: meta.streams.filter(({ database }) => database === facts.name).reduce((sum, one) => sum + one.rawBytes, 0),
  }));
  await checkNeeds(target, needs);
  const profile = engineProfile(order.instance.engine);
  const tools = await findClientTools(profile, Math.max(dumpTool.major, serverMajor), await deps.programs(serverMajor));
  const bytes = needs.reduce((sum, one) => sum + one.bytes, 0);
  const { runId } = order;
  const { home, clock } = deps;
  const parts = { home, runId, step, clock, watch: new Stopwatch(clock), target, made, profile, tools };
  const tally = new TransferTally(step, bytes);
  tally.warnings.push(...warnLeftOut(order.task, meta.summary));
  return { ...parts, tally };
}

/** Owners, those with rights on anything in it or on itself, and those with settings of their own in it. */
const rolesOf = (facts: DatabaseFacts): readonly string[] =>
  [
    ...[facts.owner, ...facts.roles],
    ...(facts.acl === undefined ? [] : grantsOfText(facts.acl).map(({ role }) => role)),
    ...facts.settings.map(({ role }) => role),
  ].filter((role) => role !== '' && !/^(pg|sys)_/.test(role));

/** Throws `transfer_database_unknown`. */
function factsChosen({ task }: LogicalRestoreOrder, all: readonly DatabaseFacts[]): readonly DatabaseFacts[] {
  const known = all.map(({ name }) => name);
  demandDatabases(task, known);
  return databasesOfTask(task).flatMap((database) => all.filter(({ name }) => name === database));
}

interface BuiltFromSet {
  readonly built: Built;
  readonly failures: readonly FailedStatement[];
}

async function build(work: TransferWork, order: LogicalRestoreOrder, reader: LogicalReader): Promise<BuiltFromSet> {
  const { task, runId, channels } = order;
  const databases: BuiltDatabase[] = [];
  const failures: FailedStatement[] = [];
  for (const [index, facts] of factsChosen(order, reader.meta.databases).entries()) {
    const temporary = temporaryName(runId, index);
    const { shape, failures: some } = await restoreDatabase(work, { reader, facts, temporary, channels });
    failures.push(...some);
    const wanted = task.databases.find(({ database }) => database === facts.name);
    if (wanted === undefined) continue;
    await warnDifferences(work, wanted, shape);
    databases.push({ wanted, temporary, shape });
  }
  if (databaseOfParts(task) === undefined) return { built: { databases }, failures };
  work.tally.beginPlacing();
  const end = { access: work.target.access, database: temporaryName(runId, 0) };
  const built = await inDatabase(work.target, end.database, (session) => copyParts(work, { end, session }, task));
  return { built, failures };
}

function reportOf(
  { tally, watch }: TransferWork,
  placed: readonly Placed[],
  failures: readonly FailedStatement[],
): TransferReport {
  const told = failures.slice(0, 200);
  return {
    placed,
    ...{ tables: tally.tables, rows: tally.rows, bytes: tally.bytes, failures: told },
    warnings: [...tally.warnings, ...failureWarnings(told)],
    secondsByPhase: watch.secondsByPhase(),
  };
}
