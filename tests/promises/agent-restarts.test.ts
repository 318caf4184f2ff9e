import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import type { HostId } from '#core/id.ts';
import { openFolder } from '../support/folder.ts';
import type { Orchestra } from '../support/orchestra.ts';
import { eventually, newId, noOpOrder, openAgent, openOrchestra, ticketOf } from '../support/orchestra.ts';
import { openOwnTemporal, temporalAddress } from '../support/temporal.ts';

const program = fileURLToPath(new URL('../support/agent-child.ts', import.meta.url));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function startAgent(orchestra: Orchestra, hostId: HostId, folder: string, seconds: number): ChildProcess {
  const { address, queuePrefix } = orchestra;
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', program, address, queuePrefix, hostId, folder, String(seconds)],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  children.push(child);
  return child;
}

const ordersIn = (folder: string): string[] => {
  try {
    // Why whole lines only: the file is there before its first line is.
    return readFileSync(`${folder}/orders`, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
};

test('after kill -9 of the agent the next attempt begins at its restart, not at the heartbeat time-out', async () => {
  const orchestra = openOrchestra(await temporalAddress());
  const [folder, hostId] = [openFolder(), newId('host')];
  const ticket = ticketOf(hostId);
  const first = startAgent(orchestra, hostId, folder.path, 3600);
  const run = await orchestra.start(ticket);
  await eventually(() => ordersIn(folder.path).length === 1);
  first.kill('SIGKILL');
  startAgent(orchestra, hostId, folder.path, 0);
  expect((await run.result()).state).toBe('succeeded');
  const pids = ordersIn(folder.path).map((line) => line.split(' ')[0]);
  expect(pids).toHaveLength(2);
  expect(pids[0]).toBe(String(first.pid));
  const { events } = await orchestra.client.workflow.getHandle(`work:${ticket.runId}:none`).fetchHistory();
  const started = events?.map((event) => event.activityTaskStartedEventAttributes).find((attributes) => attributes);
  expect(started?.attempt).toBe(2);
  // A heartbeat time-out would have left a timeout failure here; the word of the restarted agent is an application failure.
  expect(started?.lastFailure?.timeoutFailureInfo ?? undefined).toBeUndefined();
  expect(started?.lastFailure?.applicationFailureInfo?.type).toBe('agent_restarted');
  expect(readdirSync(`${folder.path}/tokens`)).toEqual([]);
  expect(readFileSync(`${folder.path}/lines`, 'utf8')).toMatch(
    /^attempt 2: .*its agent was stopped, killed or cut off/m,
  );
  await orchestra.close();
  folder.remove();
});

test('a restart of Temporal while an activity runs costs nothing: the work goes on and is done once', async () => {
  const server = await openOwnTemporal();
  const orchestra = openOrchestra(server.address);
  const [folder, hostId] = [openFolder(), newId('host')];
  mkdirSync(`${folder.path}/agent`);
  let asked = 0;
  const order = (runId: string): ReturnType<ReturnType<typeof noOpOrder>> => {
    asked += 1;
    return noOpOrder(hostId, 8)(runId);
  };
  const agent = await openAgent(orchestra, { folder: `${folder.path}/agent`, hostId, work: {}, order });
  const run = await orchestra.start(ticketOf(hostId));
  await eventually(() => asked === 1);
  await server.kill();
  await server.start();
  expect((await run.result()).state).toBe('succeeded');
  expect(asked).toBe(1);
  await agent.stop();
  await orchestra.close();
  await server.close();
  folder.remove();
});

test('an agent that is told to stop hands its step on: the next agent goes on at once', async () => {
  const orchestra = openOrchestra(await temporalAddress());
  const [folder, hostId] = [openFolder(), newId('host')];
  const ticket = ticketOf(hostId);
  const first = await openAgent(orchestra, { folder: folder.path, hostId, work: {}, order: noOpOrder(hostId, 3600) });
  const run = await orchestra.start(ticket);
  await eventually(() => first.began(ticket.runId));
  await first.stop();
  expect(first.ended(ticket.runId)).toBe(true);
  const second = await openAgent(orchestra, { folder: folder.path, hostId, work: {}, order: noOpOrder(hostId, 0) });
  expect((await run.result()).state).toBe('succeeded');
  await second.stop();
  await orchestra.close();
  folder.remove();
});
