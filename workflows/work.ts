import { CancellationScope, defineSignal, getExternalWorkflowHandle, log, setHandler } from '@temporalio/workflow';
import type { HostActivities } from '#activities/host/host-activities.ts';
import { fail } from '#core/errors/fail.ts';
import type { WorkEnd, WorkOrder, WorkResult } from '#core/run/work-order.ts';
import { agentWork, isNobodyThere } from './activity-proxies.ts';
import { runWorkflowId, stopSignal, workBeganSignal, workEndedSignal } from './contract.ts';
import { stoppedBy } from './failure.ts';

const stop = defineSignal<[string]>(stopSignal);
const began = defineSignal(workBeganSignal);
const ended = defineSignal<[WorkEnd]>(workEndedSignal);

/** The work of one run on its host. Its workflow id is the lock of the lane; its outcome is signalled to the run. */
export async function work(order: WorkOrder, hasWaited: boolean): Promise<void> {
  const doing = new CancellationScope();
  setHandler(stop, (runId) => {
    if (runId === order.runId) doing.cancel();
  });
  const run = getExternalWorkflowHandle(runWorkflowId(order.runId));
  if (hasWaited) await tell(() => run.signal(began));
  const told = await doing
    .run(() => performAll(order))
    .then((result): WorkEnd => ({ state: 'done', result }), stoppedBy);
  // Why: an agent that died while it cleaned up says "restarted"; who asked to stop hears "stopped".
  const end: WorkEnd = told.state === 'failed' && doing.consideredCancelled ? { state: 'cancelled' } : told;
  await CancellationScope.nonCancellable(() => tell(() => run.signal(ended, end)));
}

/** What is done while the run has its lane: script before → work → verify (design §4). */
async function performAll(order: WorkOrder): Promise<WorkResult> {
  const before = order.hooks?.before === undefined ? [] : (await performPart(order, 'before')).warnings;
  const made = await perform(order);
  if (order.verifyAfter === undefined || made.setId === undefined)
    return { ...made, warnings: [...before, ...made.warnings] };
  const { report: verified, warnings } = await performPart(order, 'verify');
  return { ...made, report: { ...made.report, verified }, warnings: [...before, ...made.warnings, ...warnings] };
}

const partSteps = { before: 'runHook', verify: 'verifyAfter' } as const satisfies Record<string, keyof HostActivities>;

function performPart(order: WorkOrder, part: keyof typeof partSteps): Promise<WorkResult> {
  const activities = agentWork(order, 'data', `${part} of ${order.runId}`);
  return orLost(order, activities[partSteps[part]]({ ...order, part }));
}

function perform(order: WorkOrder): Promise<WorkResult> {
  const isOfLog = order.kind === 'log-backup' || order.kind === 'log-stream';
  const activities = agentWork(order, isOfLog ? 'wal' : 'data', `${order.kind} of ${order.runId}`);
  return orLost(order, activities[steps[order.kind]](order));
}

async function orLost(order: WorkOrder, step: Promise<WorkResult>): Promise<WorkResult> {
  try {
    return await step;
  } catch (error) {
    if (!isNobodyThere(error)) throw error;
    throw fail('agent_lost', { host: order.hostId, minutes: String(order.reconnectMinutes) }, error);
  }
}

const steps = {
  'full-backup': 'takeFullBackup',
  'incremental-backup': 'takeFullBackup',
  'log-backup': 'takeLogBackup',
  'log-stream': 'streamLog',
  restore: 'restore',
  'verify-set': 'verifySet',
  'merge-set': 'mergeSet',
  'extract-set': 'extractSet',
  drill: 'runDrill',
  'log-restore': 'restoreLog',
  'logical-backup': 'takeLogicalBackup',
  'logical-care': 'careForLogicalSets',
  'database-recovery': 'recoverDatabases',
  'logical-restore': 'restoreLogicalSet',
  'settle-transfer': 'settleTransfer',
  rebuild: 'rebuildFromPool',
  'pool-copy': 'copyPool',
  care: 'careForPool',
  'no-op': 'noOp',
} as const satisfies Record<WorkOrder['kind'], keyof HostActivities>;

/** A run that is closed by now needs no word. */
async function tell(send: () => Promise<void>): Promise<void> {
  try {
    await send();
  } catch (error) {
    log.warn('the run of this work is closed', { cause: String(error) });
  }
}
