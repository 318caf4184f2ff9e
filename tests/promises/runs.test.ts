import { afterAll, beforeAll, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import type { HostId, RunId } from '#core/id.ts';
import { errorOfFailure } from '#wire/failure.ts';
import { registerSearchAttributes } from '#wire/search-attributes.ts';
import type { Folder } from '../support/folder.ts';
import { openFolder } from '../support/folder.ts';
import type { AgentParts, Orchestra, TestAgent } from '../support/orchestra.ts';
import { eventually, newId, noOpOrder, openAgent, openOrchestra, ticketOf } from '../support/orchestra.ts';
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

const agentOn = (parts: Partial<AgentParts> & { readonly seconds?: number } = {}): Promise<TestAgent> => {
  const hostId = parts.hostId ?? newId('host');
  const order = noOpOrder(hostId, parts.seconds ?? 0);
  return openAgent(orchestra, { folder: `${folder.path}/${hostId}`, hostId, work: {}, order, ...parts });
};
const eventsOf = (runId: RunId): string[] =>
  orchestra.book.events.filter((event) => event.startsWith(runId)).map((event) => event.slice(runId.length + 1));
const isRunning = (runId: RunId): boolean => eventsOf(runId).includes('running');

test('an undisturbed run ends succeeded, in at most 60 events', async () => {
  const agent = await agentOn();
  const ticket = ticketOf(agent.hostId);
  const handle = await orchestra.start(ticket);
  expect(await handle.result()).toEqual({ state: 'succeeded', result: { seconds: 0 } });
  expect(eventsOf(ticket.runId)).toEqual(['running', 'succeeded']);
  const run = await handle.fetchHistory();
  const work = await orchestra.client.workflow.getHandle(`work:${ticket.runId}:none`).fetchHistory();
  expect((run.events?.length ?? 99) + (work.events?.length ?? 99)).toBeLessThanOrEqual(60);
  await agent.stop();
});

test('a control worker that is told to stop finishes the step under way', async () => {
  const leaving = openOrchestra(orchestra.address);
  const ticket = ticketOf(newId('host'));
  const seen = { asked: 0, answer: (): void => undefined };
  leaving.book.ticket = async () => {
    seen.asked += 1;
    await new Promise<void>((resolve) => (seen.answer = resolve));
    return ticket;
  };
  const { workflowId } = await leaving.start(ticket);
  await eventually(() => seen.asked === 1);
  const closed = leaving.close();
  seen.answer();
  await closed;
  const run = orchestra.client.workflow.getHandle(workflowId);
  const { events } = await run.fetchHistory();
  expect(events?.filter((event) => event.activityTaskCompletedEventAttributes)).toHaveLength(1);
  expect(seen.asked).toBe(1);
  await run.terminate();
});

test('K-084 a run that ended keeps nobody out of its lane, whatever the control worker remembers of it', async () => {
  const agents = [await agentOn({ seconds: 3600 }), await agentOn()] as const;
  const owner = newId('res');
  const holder = ticketOf(agents[0].hostId, { lane: { owner, kind: 'log' } });
  const held = await orchestra.start(holder);
  await eventually(() => agents[0].began(holder.runId));
  for (let round = 0; round < 3; round++) {
    const ticket = ticketOf(agents[1].hostId, { lane: { owner, kind: 'data' }, whenBusy: 'refuse' });
    const run = await orchestra.start(ticket);
    expect(await run.result()).toMatchObject({ state: 'succeeded' });
    await orchestra.restart();
  }
  await held.cancel();
  await held.result().catch(() => undefined);
  const lane = orchestra.client.workflow.getHandle(`lane:${owner}`);
  await eventually(async () => (await lane.describe()).status.name === 'COMPLETED');
  const { events } = await lane.fetchHistory();
  expect(events?.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
  for (const agent of agents) await agent.stop();
});

test('an operator finds a run in Temporal by what it is about and how it ended', async () => {
  await registerSearchAttributes(orchestra.client);
  expect(await registerSearchAttributes(orchestra.client)).toEqual([]);
  const agent = await agentOn();
  const [jobId, poolId] = [newId('job'), newId('pool')];
  const ticket = ticketOf(agent.hostId, { subjects: { jobId, poolId } });
  await (await orchestra.start(ticket)).result();
  const query = `HoldfastJob = "${jobId}" AND HoldfastPool = "${poolId}" AND HoldfastState = "succeeded" AND HoldfastKind = "no-op"`;
  const found = async (): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { workflowId } of orchestra.client.workflow.list({ query })) ids.push(workflowId);
    return ids;
  };
  await eventually(async () => (await found()).length > 0);
  expect(await found()).toEqual([`run:${ticket.runId}`]);
  await agent.stop();
});

test('a cancelled run stops the work on the host and ends cancelled in the catalog and in Temporal', async () => {
  const agent = await agentOn({ seconds: 3600 });
  const ticket = ticketOf(agent.hostId);
  const handle = await orchestra.start(ticket);
  await eventually(() => isRunning(ticket.runId));
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow();
  expect((await handle.describe()).status.name).toBe('CANCELLED');
  expect(orchestra.book.outcome(ticket.runId)?.state).toBe('cancelled');
  expect(agent.ended(ticket.runId)).toBe(true);
  await agent.stop();
});

test('K-084 a run asked for while the agent is away begins when the agent appears', async () => {
  const hostId = newId('host');
  const ticket = ticketOf(hostId);
  const handle = await orchestra.start(ticket);
  await eventually(async () => (await handle.query<{ phase: string }>('status')).phase === 'waiting-for-agent');
  const agent = await agentOn({ hostId });
  expect((await handle.result()).state).toBe('succeeded');
  await agent.stop();
});

test('a run whose main step failed ends failed with the registered error, in the catalog and in Temporal', async () => {
  const order = (): Promise<never> =>
    Promise.reject(fail('set_damaged', { set: 'set_x', count: '2', object: 'meta', what: 'flipped' }));
  const agent = await agentOn({ order });
  const ticket = ticketOf(agent.hostId);
  const handle = await orchestra.start(ticket);
  const thrown: unknown = await handle.result().catch((error: unknown) => error);
  expect(errorOfFailure(thrown, 'run')).toMatchObject({ code: 'set_damaged', params: { set: 'set_x', count: '2' } });
  expect((await handle.describe()).status.name).toBe('FAILED');
  expect(orchestra.book.outcome(ticket.runId)).toMatchObject({
    state: 'failed',
    code: 'set_damaged',
    params: { object: 'meta' },
  });
  await agent.stop();
});

test('a result that was lost on its way is answered from the journal of the agent, without doing the work again', async () => {
  const first = await agentOn({ seconds: 0 });
  const ticket = ticketOf(first.hostId);
  await (await orchestra.start(ticket)).result();
  await first.stop();
  const lane = orchestra.client.workflow.getHandle(`lane:${ticket.runId}`);
  await eventually(async () => (await lane.describe()).status.name === 'COMPLETED');
  let asked = 0;
  const order = (): Promise<never> => {
    asked += 1;
    return Promise.reject(fail('agent_stopping', {}));
  };
  const second = await agentOn({ hostId: first.hostId, order });
  expect(await (await orchestra.start(ticket)).result()).toEqual({ state: 'succeeded', result: { seconds: 0 } });
  expect(asked).toBe(0);
  await second.stop();
});

const dataLane = (hostId: HostId, owner: string, whenBusy: 'wait' | 'refuse' | 'skip') =>
  ticketOf(hostId, { lane: { owner, kind: 'data' }, whenBusy });

test('runs that exclude each other go one after the other in the order they asked', async () => {
  const agent = await agentOn({ seconds: 1 });
  const owner = newId('res');
  const tickets = [1, 2, 3].map(() => dataLane(agent.hostId, owner, 'wait'));
  const handles = [];
  for (const ticket of tickets) {
    const handle = await orchestra.start(ticket);
    handles.push(handle);
    await eventually(async () => (await inLane(owner)).includes(ticket.runId) || isRunning(ticket.runId));
  }
  await Promise.all(handles.map((handle) => handle.result()));
  const mine = orchestra.book.events.filter((event) => tickets.some((ticket) => event.startsWith(ticket.runId)));
  expect(mine).toEqual(tickets.flatMap(({ runId }) => [`${runId} running`, `${runId} succeeded`]));
  expect(agent.mostAtOnce()).toBe(1);
  await agent.stop();
});

const inLane = async (owner: string): Promise<string[]> => {
  try {
    const { running, waiting } = await orchestra.client.workflow
      .getHandle(`lane:${owner}`)
      .query<{ running: string[]; waiting: string[] }>('lane');
    return [...running, ...waiting];
  } catch {
    return [];
  }
};

test('a busy lane refuses a manual run and skips a scheduled one, both with the id of the holder; a log run goes beside', async () => {
  const agent = await agentOn({ seconds: 3600 });
  const owner = newId('res');
  const holder = dataLane(agent.hostId, owner, 'refuse');
  const held = await orchestra.start(holder);
  await eventually(() => isRunning(holder.runId));
  const [refused, skipped] = [dataLane(agent.hostId, owner, 'refuse'), dataLane(agent.hostId, owner, 'skip')];
  await expect((await orchestra.start(refused)).result()).rejects.toThrow();
  expect(orchestra.book.outcome(refused.runId)).toMatchObject({
    state: 'failed',
    code: 'lane_busy',
    params: { holder: holder.runId },
  });
  await (await orchestra.start(skipped)).result();
  expect(orchestra.book.outcome(skipped.runId)).toMatchObject({ state: 'skipped', params: { holder: holder.runId } });
  const beside = ticketOf(agent.hostId, { lane: { owner, kind: 'log' } });
  const besideHandle = await orchestra.start(beside);
  await eventually(() => isRunning(beside.runId));
  await Promise.all([held.cancel(), besideHandle.cancel()]);
  await Promise.allSettled([held.result(), besideHandle.result()]);
  await agent.stop();
});

test('terminating the holder lets the next run in only when the work on the host is over', async () => {
  const agent = await agentOn({ seconds: 2 });
  const owner = newId('res');
  const [holder, next] = [dataLane(agent.hostId, owner, 'wait'), dataLane(agent.hostId, owner, 'wait')];
  const first = await orchestra.start(holder);
  await eventually(() => agent.began(holder.runId));
  const second = await orchestra.start(next);
  await eventually(async () => (await inLane(owner)).includes(next.runId));
  await orchestra.client.workflow.getHandle(`work:${owner}:data`).terminate('test');
  await expect(first.result()).rejects.toThrow();
  expect(orchestra.book.outcome(holder.runId)).toMatchObject({ state: 'failed', code: 'work_terminated' });
  expect((await second.result()).state).toBe('succeeded');
  expect(agent.mostAtOnce()).toBe(1);
  await agent.stop();
});

test('a run that waits in a lane drops out when it is cancelled', async () => {
  const agent = await agentOn({ seconds: 3600 });
  const owner = newId('res');
  const [holder, waiting] = [dataLane(agent.hostId, owner, 'wait'), dataLane(agent.hostId, owner, 'wait')];
  const first = await orchestra.start(holder);
  await eventually(() => isRunning(holder.runId));
  const second = await orchestra.start(waiting);
  await eventually(async () => (await inLane(owner)).includes(waiting.runId));
  await second.cancel();
  await expect(second.result()).rejects.toThrow();
  expect(orchestra.book.outcome(waiting.runId)?.state).toBe('cancelled');
  expect(await inLane(owner)).toEqual([holder.runId]);
  await first.cancel();
  await expect(first.result()).rejects.toThrow();
  await agent.stop();
});

test('K-085 new limits reach the running step and bad ones are refused', async () => {
  const agent = await agentOn({ seconds: 3600 });
  const ticket = ticketOf(agent.hostId);
  const handle = await orchestra.start(ticket);
  await eventually(() => agent.began(ticket.runId));
  await handle.executeUpdate('throttle', { args: [{ transferBytesPerSecond: 1_000_000 }] });
  expect(agent.limits(ticket.runId)).toEqual({ transferBytesPerSecond: 1_000_000 });
  await expect(handle.executeUpdate('throttle', { args: [{ transferBytesPerSecond: -1 }] })).rejects.toThrow();
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow();
  await agent.stop();
});
