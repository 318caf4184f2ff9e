import type { Client } from '@temporalio/client';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { fail } from '#core/errors/fail.ts';
import type { LaneDoor } from '#core/ports/lane-door.ts';
import type { LaneRequest, LaneVerdict } from '#core/run/work-order.ts';
import { controlQueue, enterLaneUpdate, laneWorkflow, laneWorkflowId } from '#workflows/contract.ts';
import type { lane } from '#workflows/lane.ts';

/** Asks a lane by an update that starts the lane workflow when it does not run. Any failure is repeated by the activity. */
export const openLaneDoor = (client: Client): LaneDoor => ({
  enter: async (request) => {
    const { owner } = request.order.lane;
    const startWorkflowOperation = new WithStartWorkflowOperation<typeof lane>(laneWorkflow, {
      workflowId: laneWorkflowId(owner),
      taskQueue: `${request.order.queuePrefix}${controlQueue}`,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [owner],
      staticSummary: `Lanes of ${owner}`,
    });
    try {
      return await client.workflow.executeUpdateWithStart<typeof lane, LaneVerdict, [LaneRequest]>(enterLaneUpdate, {
        startWorkflowOperation,
        args: [request],
      });
    } catch (cause) {
      throw fail('lane_unavailable', { owner, cause: cause instanceof Error ? cause.message : String(cause) }, cause);
    }
  },
});
