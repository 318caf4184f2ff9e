import { afterAll, beforeAll, expect, test } from 'vitest';
import proto from '@temporalio/proto';
import { openLaneDoor } from '#workers/lane-door.ts';
import { laneEvent } from '#workers/lane-event.ts';
import type { LaneMending, MendedLane } from '#workers/mend-lanes.ts';
import { mendLanes } from '#workers/mend-lanes.ts';
import { controlQueue, laneWorkflow, laneWorkflowId } from '#workflows/contract.ts';
import type { Folder } from '../support/folder.ts';
import { openFolder } from '../support/folder.ts';
import type { Orchestra } from '../support/orchestra.ts';
import { clock, eventually, newId, noOpOrder, openAgent, openOrchestra, ticketOf } from '../support/orchestra.ts';
import { temporalAddress } from '../support/temporal.ts';

let orchestra: Orchestra;
let folder: Folder;
beforeAll(async () => {
  orchestra = openOrchestra(await temporalAddress());
  folder = openFolder();
});
afterAll(async () => {
  await orchestra.close();
  folder.remove();
});

/** A lane whose first task was done by other code, which began an activity: our code cannot replay that. */
async function beginForeignLane(owner: string): Promise<void> {
  const { client, queuePrefix } = orchestra;
  const { namespace } = client.options;
  const taskQueue = `${queuePrefix}${controlQueue}`;
  await client.workflow.start(laneWorkflow, { workflowId: laneWorkflowId(owner), taskQueue, args: [owner] });
  const identity = 'another code';
  const service = client.workflowService;
  const asked = { namespace, taskQueue: { name: taskQueue }, identity };
  const poll = () => client.withDeadline(Date.now() + 60_000, () => service.pollWorkflowTaskQueue(asked));
  let task = await poll();
  while (task.workflowExecution?.workflowId !== laneWorkflowId(owner)) task = await poll();
  const commandType = proto.temporal.api.enums.v1.CommandType.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK;
  const scheduleActivityTaskCommandAttributes = {
    ...{ activityId: '1', activityType: { name: 'another' }, taskQueue: { name: `${queuePrefix}nobody` } },
    scheduleToCloseTimeout: { seconds: 3600 as never },
  };
  await service.respondWorkflowTaskCompleted({
    ...{ namespace, identity, taskToken: task.taskToken },
    commands: [{ commandType, scheduleActivityTaskCommandAttributes }],
  });
}

test('K-084 a lane whose history no worker can replay is begun anew with the runs that wait in it; a sound one is let be', async () => {
  const hostId = newId('host');
  const agent = await openAgent(orchestra, {
    ...{ folder: `${folder.path}/${hostId}`, hostId, work: {}, order: noOpOrder(hostId, 0) },
  });
  const [owner, sound] = [newId('res'), newId('res')];
  const told: MendedLane[] = [];
  const tickets = [1, 2].map(() => ticketOf(hostId, { lane: { owner, kind: 'data' }, whenBusy: 'wait' }));
  const mending: LaneMending = {
    ...{ client: orchestra.client, queuePrefix: orchestra.queuePrefix, clock },
    door: openLaneDoor(orchestra.client),
    openRuns: () => Promise.resolve(tickets),
    tell: (lane) => Promise.resolve(void told.push(lane)),
    patience: { attempts: 2, ms: 0 },
  };
  await orchestra.restart(() => beginForeignLane(owner));
  const runs = await Promise.all(tickets.map((ticket) => orchestra.start(ticket)));
  const other = await orchestra.start(ticketOf(hostId, { lane: { owner: sound, kind: 'data' } }));
  expect(await other.result()).toMatchObject({ state: 'succeeded' });
  await eventually(async () => (await mendLanes(mending)).length > 0, 90_000);
  for (const run of runs) expect(await run.result()).toMatchObject({ state: 'succeeded' });
  expect(await mendLanes(mending)).toEqual([]);
  expect(told).toMatchObject([{ owner, reason: expect.stringContaining('NON_DETERMINISTIC') as string }]);
  expect(told.map(laneEvent)).toMatchObject([{ type: 'lane.mended', resourceId: owner, data: { lane: owner } }]);
  await agent.stop();
});
