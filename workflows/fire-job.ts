import { WorkflowExecutionAlreadyStartedError, defineSearchAttributeKey } from '@temporalio/common';
import { ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import { controlActivities } from './activity-proxies.ts';
import type { FireInput, RunInput } from './contract.ts';
import { runWorkflow, runWorkflowId } from './contract.ts';
import type { executeRun } from './execute-run.ts';

/** Set by the server on what a schedule starts: the time of the plan, not that of a late start. */
const scheduledAt = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/**
 * What the schedule of a job starts: records the run that is due and hands it to its own workflow. A time that is none of
 * the plan's ends here, without a run. The result says in words what came of it.
 */
export async function fireJob({ jobId, queuePrefix }: FireInput): Promise<string> {
  const at = workflowInfo().typedSearchAttributes.get(scheduledAt);
  if (at === undefined) return 'not started by a schedule: start the job with `holdfast job start`';
  const due = await controlActivities(queuePrefix).openScheduledRun(jobId, at.getTime());
  if (due.verdict === 'nothing') return due.reason;
  const { runId, kind } = due;
  const input: RunInput = { runId, kind, queuePrefix };
  try {
    await startChild<typeof executeRun>(runWorkflow, {
      workflowId: runWorkflowId(runId),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${kind} ${runId}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return `run ${runId}`;
}
