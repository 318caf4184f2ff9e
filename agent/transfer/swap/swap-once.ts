import { reach } from '#core/faults/fault-points.ts';
import type { RunId } from '#core/id.ts';
import type { TellPlaces } from '#core/ports/host-work.ts';
import type { StepContext } from '#core/ports/step.ts';
import { failureWarnings } from '#core/transfer/failed-statements.ts';
import type { FailedStatement, TransferReport } from '#core/transfer/report.ts';
import type { Placed, TransferTask } from '#core/transfer/task.ts';
import type { Stopwatch } from '#agent/restore/stopwatch.ts';
import type { TransferJournal } from '#agent/transfer/journal.ts';
import type { Built } from './planned-places.ts';
import { plannedPlaces } from './planned-places.ts';
import type { MadeBook } from '#agent/transfer/play/made.ts';
import { dropMade } from '#agent/transfer/play/made.ts';
import { finishPlaced, isPlaced, putIntoPlace, strangersOn } from './put-into-place.ts';
import type { Target } from '#agent/transfer/target.ts';

/** One attempt of a transfer, from the side of its swap. */
export interface Attempt {
  readonly target: Target;
  readonly journal: TransferJournal;
  readonly made: MadeBook;
  readonly step: StepContext;
  readonly tell: TellPlaces;
}

interface SwapOrder {
  readonly runId: RunId;
  readonly task: TransferTask;
}

interface Ready {
  readonly built: Built;
  readonly watch: Stopwatch;
  readonly report: (placed: readonly Placed[]) => TransferReport;
}

/**
 * Swaps. What is about to happen is durable here and in the catalog before it does: whatever becomes of this process, of the host or of
 * the run, both know by oids what was placed and what was replaced.
 */
export async function swapOnce(
  { target, journal, step, tell }: Attempt,
  order: SwapOrder,
  { built, watch, report }: Ready,
): Promise<TransferReport> {
  const placed = await plannedPlaces(target, order.runId, built);
  const planned = report(placed);
  await journal.swap(planned);
  reach(step, 'swap.before-tell');
  await tell({ placed, isSwapped: false });
  reach(step, 'swap.before-swap');
  let done = planned;
  const note = async (failed: readonly FailedStatement[]): Promise<void> => {
    const warnings = [...planned.warnings, ...failureWarnings(failed)];
    done = { ...planned, failures: [...planned.failures, ...failed], warnings };
    // Before the commit: whoever finds the swap done knows what failed in it.
    if (failed.length > 0) await journal.swap(done);
  };
  const filling = { signal: step.signal, control: target.session, note };
  await watch.time('swap', () => putIntoPlace(target, order, { built, placed, filling }));
  reach(step, 'swap.after-swap');
  return { ...done, secondsByPhase: watch.secondsByPhase() };
}

/** Report of a swap that an earlier attempt made; undefined when there was none. */
export async function swappedBefore({ target, journal }: Attempt): Promise<TransferReport | undefined> {
  const noted = journal.swapped();
  return noted !== undefined && (await isPlaced(target, noted)) ? noted : undefined;
}

/** Before anything is made: what dead runs of this host left goes, what others left is told of. */
export async function beginAfresh(attempt: Attempt): Promise<void> {
  attempt.journal.forget();
  await dropMade(attempt);
  for (const name of await strangersOn(attempt.target))
    attempt.step.log({
      level: 'warn',
      message: `database ${name} was made by no run of this host and is left alone: drop it by hand when nobody needs it`,
    });
}

/** What follows a swap, each safe to do again: it is told, what need not be kept goes, and that is told. */
export async function finishSwap(
  { target, journal, made, step, tell }: Attempt,
  { task }: Pick<SwapOrder, 'task'>,
  report: TransferReport,
): Promise<TransferReport> {
  await tell({ placed: report.placed, isSwapped: true });
  reach(step, 'swap.after-tell');
  await dropMade({ target, made });
  const { placed, warnings } = await finishPlaced(target, { task }, report);
  const told = { ...report, placed, warnings: [...report.warnings, ...warnings] };
  await tell({ placed, isSwapped: true });
  await journal.finish(told);
  reach(step, 'swap.after-report');
  return told;
}

/** After a failure: when no swap happened, what was built goes and nothing is told of any more. */
export async function giveUpUnlessSwapped(attempt: Attempt): Promise<void> {
  const { target, journal, tell, step } = attempt;
  if (target.session.lost.aborted || (await swappedBefore(attempt)) !== undefined) return;
  const wasTold = journal.swapped() !== undefined;
  // First: what was about to be swapped is gone then, and must not look like a swap that happened.
  journal.forget();
  await dropMade(attempt);
  if (!wasTold) return;
  await tell({ placed: [], isSwapped: false }).catch((error: unknown) => {
    step.log({ level: 'warn', message: `the catalog did not hear that nothing was swapped: ${String(error)}` });
  });
}
