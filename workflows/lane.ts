import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { ChildWorkflowHandle } from '@temporalio/workflow';
import {
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  getExternalWorkflowHandle,
  log,
  setHandler,
  sleep,
  startChild,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { fail } from '#core/errors/fail.ts';
import type { LaneBook } from '#core/run/lane-book.ts';
import { admit, emptyLaneBook, enter, leave, replacedIn } from '#core/run/lane-book.ts';
import type { LaneRequest, LaneVerdict, WorkEnd, WorkOrder } from '#core/run/work-order.ts';
import {
  dropSignal,
  enterLaneUpdate,
  laneQuery,
  runWorkflowId,
  stopSignal,
  workEndedSignal,
  workWorkflow,
  workWorkflowId,
} from './contract.ts';
import { stoppedBy } from './failure.ts';
import type { work } from './work.ts';

const enterUpdate = defineUpdate<LaneVerdict, [LaneRequest]>(enterLaneUpdate);
const drop = defineSignal<[string]>(dropSignal);
const view = defineQuery<{ running: string[]; waiting: string[] }>(laneQuery);
const workEnded = defineSignal<[WorkEnd]>(workEndedSignal);
const idleTime = '5s';

/**
 * One per resource or restore target: grants entry by the matrix of core/run/lane.ts. The lock itself is the id of the
 * running work workflow, so nothing has to be released and nothing can leak (temporal-verified §5, D).
 */
export async function lane(owner: string, carried: LaneBook = emptyLaneBook): Promise<void> {
  let book = carried;
  const dropped = new Set<string>();
  const children = new Map<string, ChildWorkflowHandle<typeof work>>();

  setHandler(enterUpdate, (request) => {
    const answer = enter(book, request);
    book = answer.book;
    for (const { order, by } of replacedIn(book)) {
      book = leave(book, order.runId);
      void tellRun(order, replacedBy(by));
    }
    return answer.verdict;
  });
  setHandler(drop, async (runId) => {
    dropped.add(runId);
    const waiting = book.waiting.find((entry) => entry.key === runId);
    if (waiting === undefined) return stopChild(children.get(runId), runId);
    book = leave(book, runId);
    return tellRun(waiting.request.order, { state: 'cancelled' });
  });
  setHandler(view, () => ({ running: book.running.map((e) => e.key), waiting: book.waiting.map((e) => e.key) }));

  const hold = async (order: WorkOrder, hasWaited: boolean): Promise<void> => {
    const end = await runChild(order, { hasWaited, children, isDropped: () => dropped.has(order.runId) });
    if (end !== undefined) await tellRun(order, end);
    children.delete(order.runId);
    book = leave(book, order.runId);
    // Why: a worker that reads this history anew takes a workflow task without commands together with the next one, and does
    // the updates of both first. An `enter` would then be answered before this run has left, and differently than it was.
    upsertMemo({ lastToLeave: order.runId });
  };

  for (;;) {
    const isDraining = workflowInfo().continueAsNewSuggested;
    if (!isDraining) {
      const { book: next, entered } = admit(book);
      book = next;
      for (const entry of entered) void hold(entry.request.order, entry.hasWaited);
    }
    if (book.running.length === 0 && (isDraining || !(await condition(() => book.waiting.length > 0, idleTime)))) break;
    const seen = book;
    if (book.running.length > 0) await condition(() => book !== seen);
  }
  await condition(allHandlersFinished);
  if (book.waiting.length > 0) await continueAsNew<typeof lane>(owner, book);
}

interface Holding {
  readonly hasWaited: boolean;
  readonly children: Map<string, ChildWorkflowHandle<typeof work>>;
  readonly isDropped: () => boolean;
}

/** Starts the work as soon as its id is free and waits for it. Returns an end only when the work could not tell it itself. */
async function runChild(order: WorkOrder, { hasWaited, children, isDropped }: Holding): Promise<WorkEnd | undefined> {
  for (;;) {
    if (isDropped()) return { state: 'cancelled' };
    try {
      const child = await startChild<typeof work>(workWorkflow, {
        workflowId: workWorkflowId(order.lane.owner, order.lane.kind),
        args: [order, hasWaited],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `${order.kind} of ${order.runId}`,
      });
      children.set(order.runId, child);
      if (isDropped()) await stopChild(child, order.runId);
      await child.result();
      return undefined;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) return endOfBrokenWork(order, error);
      await sleep('1s');
    }
  }
}

function endOfBrokenWork(order: WorkOrder, error: unknown): WorkEnd {
  log.warn('work ended without a word', { runId: order.runId, cause: String(error) });
  return stoppedBy(fail('work_terminated', { run: order.runId }, error));
}

function replacedBy(run: string): WorkEnd {
  const { code, params, message } = fail('replaced_by_full', { run });
  return { state: 'skipped', code, params, message };
}

async function stopChild(child: ChildWorkflowHandle<typeof work> | undefined, runId: string): Promise<void> {
  try {
    await child?.signal(stopSignal, runId);
  } catch (error) {
    log.warn('the work has ended already', { runId, cause: String(error) });
  }
}

async function tellRun(order: WorkOrder, end: WorkEnd): Promise<void> {
  try {
    await getExternalWorkflowHandle(runWorkflowId(order.runId)).signal(workEnded, end);
  } catch (error) {
    log.warn('the run is closed already', { runId: order.runId, cause: String(error) });
  }
}
