import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  allHandlersFinished,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  log,
} from '@temporalio/workflow';
import { isOlderVersion, oldestAgentVersion } from '#core/access/version.ts';
import { fail } from '#core/errors/fail.ts';
import type { RunOutcome, RunTicket } from '#core/ports/run-book.ts';
import { sentHome } from '#core/run/sent-home.ts';
import { silenceMs } from '#core/run/silence.ts';
import type { WorkEnd, WorkOrder } from '#core/run/work-order.ts';
import { workOrderOf } from '#core/run/work-order-of.ts';
import { agentProbe, controlActivities, isNobodyThere } from './activity-proxies.ts';
import type { RunInput } from './contract.ts';
import { dropSignal, laneWorkflowId, stopSignal, workWorkflowId } from './contract.ts';
import { cancelledOutcome, outcomeOf } from './failure.ts';
import { afterScript, askPrecondition } from './hooks.ts';
import type { RunControl } from './run-control.ts';
import { openRunControl } from './run-control.ts';
import { beFoundAs, beSearchable } from './searchable.ts';

const minuteMs = 60_000;

/**
 * A run (design §4): record → wait for the agent → precondition → lane → script before → work → verify → record the set →
 * script after → close → tell. The work and what is around it in the lane is `work.ts`. Cancel is Temporal's cancel.
 */
export async function executeRun(input: RunInput): Promise<RunOutcome> {
  const run = openRunControl(input);
  const control = controlActivities(input.queuePrefix);
  const ended = await perform(input, run).catch(outcomeOf);
  return CancellationScope.nonCancellable(async () => {
    const outcome = sentHome(await afterScript(input, run, ended), run.known()?.sentHomeBy);
    await control.closeRun(input.runId, outcome);
    run.enter('closed', outcome.state);
    beFoundAs(run.known(), outcome.state);
    await control.tellOutcome(input.runId);
    await condition(allHandlersFinished);
    if (outcome.state === 'failed')
      throw ApplicationFailure.nonRetryable(outcome.message, outcome.code, outcome.params);
    if (outcome.state === 'cancelled') throw new CancelledFailure(outcome.message);
    return outcome;
  });
}

async function perform(input: RunInput, run: RunControl): Promise<RunOutcome> {
  const control = controlActivities(input.queuePrefix);
  const ticket = await control.recordRun(input.runId);
  run.knows(ticket);
  beSearchable(ticket);
  const order = workOrderOf(input, ticket);
  await waitForAgent(order, run);
  const asked = await askPrecondition(order, run);

  const end = await workInLane(order, run, ticket.whenBusy);
  if (end.state === 'busy') return busyOutcome(order, end.holder, ticket.whenBusy === 'skip');
  if (end.state !== 'done') return end.state === 'cancelled' ? cancelledOutcome : end;

  run.enter('committing', 'recording what was made');
  const { setId, report } = end.result;
  const warnings = [...asked, ...end.result.warnings];
  await CancellationScope.nonCancellable(async () => {
    if (setId !== undefined) await control.recordSet(input.runId, setId);
  });
  return warnings.length > 0 ? { state: 'warned', result: report, warnings } : { state: 'succeeded', result: report };
}

async function waitForAgent(order: WorkOrder, run: RunControl): Promise<void> {
  const minutes = String(order.reconnectMinutes);
  run.enter('waiting-for-agent', `asking the agent of ${order.hostId}, for ${minutes} min at most`);
  const { agentVersion: version } = await agentProbe(order)
    .probeHost()
    .catch((error: unknown) => {
      if (!isNobodyThere(error)) throw error;
      throw fail('agent_unreachable', { host: order.hostId, minutes }, error);
    });
  // Why here too: an agent that was enrolled before the server was upgraded still polls its queues.
  const isTooOld = isOlderVersion(version, oldestAgentVersion);
  if (isTooOld) throw fail('agent_too_old', { host: order.hostId, version, oldest: oldestAgentVersion });
}

const askingFor = ({ kind, owner }: WorkOrder['lane']): string =>
  kind === 'none' ? 'asking to begin: it shares nothing with other runs' : `asking for the ${kind} lane of ${owner}`;

type LaneEnd = WorkEnd | { readonly state: 'busy'; readonly holder: string };

/** Enters the lane and waits for the end of the work. Whatever breaks this wait stops the work first. */
async function workInLane(order: WorkOrder, run: RunControl, whenBusy: RunTicket['whenBusy']): Promise<LaneEnd> {
  const control = controlActivities(order.queuePrefix);
  const workId = workWorkflowId(order.lane.owner, order.lane.kind);
  run.enter('waiting-for-lane', askingFor(order.lane));
  try {
    const verdict = await control.enterLane({ order, whenBusy });
    if (verdict.verdict === 'busy') return { state: 'busy', holder: verdict.holder };
    if (verdict.verdict === 'waiting') await waitForTurn(order, run, verdict.position);
    run.entersLane();
    run.enter('working', `${order.kind} on ${order.hostId}`, workId);
    return await untilTold(order, (ms) => run.workEnds(ms));
  } catch (error) {
    const end = await CancellationScope.nonCancellable(() => stopWork(order, run));
    if (isCancellation(error)) return end;
    throw error;
  }
}

async function waitForTurn(order: WorkOrder, run: RunControl, position: number): Promise<void> {
  run.enter(
    'waiting-for-lane',
    `number ${String(position)} in the line for the ${order.lane.kind} lane of ${order.lane.owner}`,
  );
  await untilTold(order, async (ms) => (await run.workBegins(ms)) || undefined);
  await controlActivities(order.queuePrefix).markRunning(order.runId);
}

/** Waits for a word of the work; when it is silent for long, asks the lane again, which repairs a lane that died. */
async function untilTold<T>(order: WorkOrder, wait: (ms: number) => Promise<T | undefined>): Promise<T> {
  for (let round = 0; ; round++) {
    const told = await wait(silenceMs(round));
    if (told !== undefined) return told;
    await controlActivities(order.queuePrefix).enterLane({ order, whenBusy: 'wait' });
  }
}

/** Takes the run out of the line and stops its work, then waits until the agent has cleaned up. */
async function stopWork(order: WorkOrder, run: RunControl): Promise<WorkEnd> {
  run.enter('working', 'stopping');
  await tell(laneWorkflowId(order.lane.owner), dropSignal, order.runId);
  await tell(workWorkflowId(order.lane.owner, order.lane.kind), stopSignal, order.runId);
  return (await run.workEnds((order.reconnectMinutes + 2) * minuteMs)) ?? { state: 'cancelled' };
}

async function tell(workflowId: string, signal: string, runId: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(signal, runId);
  } catch (error) {
    log.info('nobody to tell', { workflowId, signal, cause: String(error) });
  }
}

function busyOutcome(order: WorkOrder, holder: string, isSkipped: boolean): RunOutcome {
  const { code, params, message } = fail('lane_busy', {
    ...{ lane: order.lane.kind, owner: order.lane.owner, holder },
    // Why no name: the catalog puts it in when it records the outcome.
    holding: 'another run',
  });
  return { state: isSkipped ? 'skipped' : 'failed', code, params, message };
}
