import type { Database } from '#catalog/database.ts';
import type { KeptJob } from '#catalog/jobs.ts';
import { runsOfSameWork } from '#catalog/runs/jobs-of-runs.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { specOfRun } from '#catalog/runs/runs.ts';
import { findTransfer, hasSwapped } from '#catalog/transfers.ts';
import { fail } from '#core/errors/fail.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { isReplacing } from '#core/transfer/task.ts';

/**
 * Why a run that is over is not repeated with the consent that it had: consent was typed to replace what was live then, and what is
 * live now came after it. Undefined when nothing was replaced, so that a run that failed before can be tried again.
 */
export async function reasonOfReplaced(db: Database, run: RunRow, spec: JobSpec): Promise<string | undefined> {
  if (!replaces(spec)) return undefined;
  if (hasWorked(run) || (await hasSwapped(db, run.id))) return again;
  const kept = (await findTransfer(db, run.id))?.kept;
  if (kept === 'unsure') return unsure;
  // Any other word but this one: nothing was replaced, or an undo put it back.
  return kept === 'confirmed' ? again : undefined;
}

/**
 * A job that ran at once, or for one time, is not started again once it replaced something live, or may have: its consent is used up.
 * One that is started by hand is kept for that, and work that was asked for anew since has a consent of its own. Throws
 * `run_not_repeatable`.
 */
export async function demandNotReplaced(db: Database, job: KeptJob): Promise<void> {
  if (job.plan.type !== 'immediate' && job.plan.type !== 'once') return;
  for (const run of await runsOfSameWork(db, job)) {
    const reason = await reasonOfReplaced(db, run, await specOfRun(db, run.id));
    if (reason !== undefined) throw fail('run_not_repeatable', { run: run.id, kind: run.kind, reason });
  }
}

const again = 'it replaced something live, and doing so once more needs to be typed again';
const unsure =
  'it was last heard of right before it replaced something live, and may have done so: undo or confirm it first';

function replaces(spec: JobSpec): boolean {
  if (spec.kind === 'restore') return spec.plan.place.kind === 'in-place';
  if (spec.kind === 'settle-transfer') return true;
  return (spec.kind === 'database-recovery' || spec.kind === 'logical-restore') && isReplacing(spec.task);
}

/** True when its work came to its end, whatever the state of the run says of what followed. */
function hasWorked({ outcome }: RunRow): boolean {
  if (outcome === null) return false;
  if (outcome.state === 'succeeded' || outcome.state === 'warned') return true;
  // Why the parameter too: it is what an outcome said that was recorded before there was the flag.
  return outcome.hasWorked === true || outcome.params['hook'] === 'after';
}
