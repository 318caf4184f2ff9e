import { fail } from '#core/errors/fail.ts';
import { verdictOn } from '#core/hooks/judge-hook.ts';
import type { ToldOutcome } from '#core/hooks/hook.ts';
import type { RunOutcome } from '#core/ports/run-book.ts';
import type { Warning } from '#core/run/progress.ts';
import type { WorkOrder } from '#core/run/work-order.ts';
import { agentLastScript, agentWork, isNobodyThere } from './activity-proxies.ts';
import type { RunInput } from './contract.ts';
import { errorOf, outcomeOf } from './failure.ts';
import type { RunControl } from './run-control.ts';

/** Scripts outside of the lane hold nothing. */
const outside = (order: WorkOrder): WorkOrder => ({ ...order, lane: { owner: order.runId, kind: 'none' } });

/**
 * The first word of a run that has scripts: all of them are looked at, then its precondition is asked (K-087). Throws
 * `precondition_false`, which ends the run skipped, and what is wrong with a script.
 */
export async function askPrecondition(order: WorkOrder, run: RunControl): Promise<readonly Warning[]> {
  if (order.hooks === undefined) return [];
  run.enter('precondition', `asking the scripts of the job on ${order.hostId}`);
  const activities = agentWork(order, 'data', `precondition of ${order.runId}`);
  try {
    return (await activities.runHook({ ...outside(order), part: 'precondition' })).warnings;
  } catch (error) {
    if (!isNobodyThere(error)) throw error;
    throw fail('agent_lost', { host: order.hostId, minutes: String(order.reconnectMinutes) }, error);
  }
}

/**
 * The script after the work, told how the run ends, also when it failed or was cancelled (K-088). A run that never had its
 * lane has done nothing, so its script is not run. What the script does cannot make a bad run good; a good one becomes
 * warned or failed by the policy of the script.
 */
export async function afterScript(
  { runId, kind, queuePrefix }: RunInput,
  run: RunControl,
  outcome: RunOutcome,
): Promise<RunOutcome> {
  const ticket = run.known();
  const hook = ticket?.hooks?.after;
  const told = toldOf(outcome);
  if (ticket === undefined || hook === undefined || told === undefined || !run.hadLane()) return outcome;
  const { hostId, reconnectMinutes } = ticket;
  run.enter('after-script', `script after the run on ${hostId}`);
  const order: WorkOrder = { runId, kind, hostId, reconnectMinutes, queuePrefix, lane: { owner: runId, kind: 'none' } };
  try {
    const { warnings } = await agentLastScript(order, hook.timeoutSeconds).runHook({ ...order, part: 'after', told });
    return withWarnings(outcome, warnings);
  } catch (error) {
    const verdict = verdictOn(errorOf(error, { host: hostId, minutes: String(reconnectMinutes) }), hook.onFailure);
    if (verdict.verdict === 'go') return withWarnings(outcome, verdict.warnings);
    return isGood(outcome) ? { ...outcomeOf(verdict.because), hasWorked: true } : outcome;
  }
}

const isGood = (outcome: RunOutcome): outcome is Extract<RunOutcome, { result: unknown }> =>
  outcome.state === 'succeeded' || outcome.state === 'warned';

function withWarnings(outcome: RunOutcome, more: readonly Warning[]): RunOutcome {
  if (more.length === 0 || !isGood(outcome)) return outcome;
  const warnings = outcome.state === 'warned' ? outcome.warnings : [];
  return { state: 'warned', result: outcome.result, warnings: [...warnings, ...more] };
}

/** A run that was skipped ended before it did anything. */
function toldOf(outcome: RunOutcome): ToldOutcome | undefined {
  if (isGood(outcome)) return { state: outcome.state };
  return outcome.state === 'skipped' ? undefined : { state: outcome.state, code: outcome.code };
}
