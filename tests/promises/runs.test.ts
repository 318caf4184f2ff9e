import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Folder } from '../support/folder.ts';
import { openFolder } from '../support/folder.ts';
import type { Orchestra, TestAgent } from '../support/orchestra.ts';
import { newId, noOpOrder, openAgent, openOrchestra, ticketOf } from '../support/orchestra.ts';
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

const agentOn = (hostId = newId('host'), seconds = 0): Promise<TestAgent> =>
  openAgent(orchestra, { folder: `${folder.path}/${hostId}`, hostId, work: {}, order: noOpOrder(hostId, seconds) });

test('an undisturbed run ends succeeded, in at most 60 events', async () => {
  const agent = await agentOn();
  const ticket = ticketOf(agent.hostId);
  const handle = await orchestra.start(ticket);
  expect(await handle.result()).toEqual({ state: 'succeeded', result: { seconds: 0 } });
  expect(orchestra.book.events.filter((e) => e.startsWith(ticket.runId))).toEqual([`${ticket.runId} running`, `${ticket.runId} succeeded`]);
  const run = await handle.fetchHistory();
  const work = await orchestra.client.workflow.getHandle(`work:${ticket.runId}:none`).fetchHistory();
  expect((run.events?.length ?? 99) + (work.events?.length ?? 99)).toBeLessThanOrEqual(60);
  await agent.stop();
});
