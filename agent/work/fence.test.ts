import { expect, test } from 'vitest';
import { openFence } from './fence.ts';

const never = new AbortController().signal;
const entry = (key: string, kind: 'data' | 'log' | 'exclusive') => ({ key, kind });

test('keeps work that excludes each other apart and lets the next in, in order, when the holder leaves', async () => {
  const fence = openFence();
  const order: string[] = [];
  const first = await fence.enter('res', entry('a', 'data'), never);
  const second = fence.enter('res', entry('b', 'exclusive'), never).then((held) => (order.push('b'), held));
  const third = fence.enter('res', entry('c', 'log'), never).then((held) => (order.push('c'), held));
  const beside = await fence.enter('other', entry('d', 'data'), never);
  expect(order).toEqual([]);
  first.leave();
  (await second).leave();
  (await third).leave();
  beside.leave();
  expect(order).toEqual(['b', 'c']);
});

test('lets log work in beside data work', async () => {
  const fence = openFence();
  const data = await fence.enter('res', entry('a', 'data'), never);
  const log = await fence.enter('res', entry('b', 'log'), never);
  data.leave();
  log.leave();
});

test('a waiter that is cancelled leaves the line and no longer holds up those behind it', async () => {
  const fence = openFence();
  const abort = new AbortController();
  const data = await fence.enter('res', entry('a', 'data'), never);
  const exclusive = fence.enter('res', entry('b', 'exclusive'), abort.signal);
  const log = fence.enter('res', entry('c', 'log'), never);
  abort.abort();
  await expect(exclusive).rejects.toThrow();
  (await log).leave();
  data.leave();
});
