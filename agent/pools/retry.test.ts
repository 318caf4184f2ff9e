import { expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { parseObjectKey, poolKey } from '#core/format/object-key.ts';
import { openFolder } from '#tests/support/folder.ts';
import { openLocalStore } from './local.ts';
import type { RetryRule } from './retry.ts';
import { patienceOf, retriesWith, retrying, withRetries } from './retry.ts';

const away = (): HoldfastError => fail('pool_unreachable', { pool: 'p', why: 'connect ECONNREFUSED' });
const quick = { attempts: 3, firstWaitMs: 1, longestWaitMs: 2 } as const;
const patient = (ms: number, more: Partial<NonNullable<RetryRule['patience']>> = {}): RetryRule => ({
  ...quick,
  patience: { ms, shouldStop: () => false, ...more },
});

/** Fails so often, then answers; how often it was asked. */
function failing(times: number, error = away): { readonly step: () => Promise<string>; readonly asked: () => number } {
  let asked = 0;
  return {
    step: () => (asked++ < times ? Promise.reject(error()) : Promise.resolve('answer')),
    asked: () => asked,
  };
}

test('K-084 a pool that is away is asked again beyond the usual attempts, as long as the patience of the step', async () => {
  const outage = failing(20);
  expect(await retrying(patient(60_000), outage.step)).toBe('answer');
  expect(outage.asked()).toBe(21);
  await expect(retrying(quick, failing(20).step)).rejects.toMatchObject({ code: 'pool_unreachable' });
});

test('K-084 a pool that stays away longer than that is lost: a final error that names the pool, the time and the cause', async () => {
  const rejected = retrying(patient(30), failing(Infinity).step);
  await expect(rejected).rejects.toMatchObject({ code: 'pool_lost', params: { pool: 'p' }, isRetryable: false });
  await expect(rejected).rejects.toThrow(/connect ECONNREFUSED/);
});

test.each([
  { away: 59, outcome: 'created' },
  { away: 61, outcome: 'pool_lost' },
])(
  'K-084 a pool that is cut off for $away minutes of a reconnect time of 60: $outcome',
  async ({ away: minutes, outcome }) => {
    const folder = openFolder('hf-retry-');
    let nowMs = 0;
    const time = {
      nowMs: () => nowMs,
      sleep: (ms: number) => {
        nowMs += ms;
        return Promise.resolve();
      },
    };
    const local = openLocalStore({ directory: folder.path, pool: 'p' });
    await local.putIfAbsent(poolKey(), Buffer.from('{}'));
    const cut: typeof local.putIfAbsent = (key, body) =>
      nowMs < minutes * 60_000 ? Promise.reject(away()) : local.putIfAbsent(key, body);
    const rule = { ...retriesWith({ ms: 60 * 60_000, shouldStop: () => false }), time };
    const store = withRetries({ ...local, putIfAbsent: cut, get: (key) => local.get(key) }, rule);
    const body = Buffer.from('bytes that wait');
    const key = parseObjectKey('sets/set_0123456789abcdef0123456789abcdef/start');
    const ended = await store.putIfAbsent(key, body).catch((error: unknown) => error as HoldfastError);
    if (outcome === 'created') {
      expect(ended).toBe('created');
      await store.barrier();
      expect(Buffer.from(await store.get(key))).toEqual(body);
    } else {
      expect(ended).toMatchObject({ code: outcome, params: { minutes: '60' }, isRetryable: false });
      expect(await local.head(key)).toBeUndefined();
      expect(nowMs).toBeLessThan(60.2 * 60_000);
    }
    await store.close();
    folder.remove();
  },
);

test('K-084 who no longer waits for a step ends it within a moment, with what happened last', async () => {
  let isOver = false;
  const heard: string[] = [];
  const rule = patient(3_600_000, {
    shouldStop: () => isOver,
    onAway: ({ code }) => {
      heard.push(code);
    },
  });
  const outage = failing(Infinity);
  const rejected = expect(retrying(rule, outage.step)).rejects.toMatchObject({ code: 'pool_unreachable' });
  await expect.poll(outage.asked).toBeGreaterThan(5);
  isOver = true;
  await rejected;
  expect(heard).toEqual(['pool_unreachable']);
});

test('an error that waiting cannot help is thrown at once, patience or not', async () => {
  const broken = failing(9, () => fail('object_missing', { pool: 'p', object: 'o' }));
  await expect(retrying(patient(60_000), broken.step)).rejects.toMatchObject({ code: 'object_missing' });
  expect(broken.asked()).toBe(1);
});

test('the patience of a step is the reconnect time of its run, and is told once in its log', () => {
  const lines: string[] = [];
  const step = {
    signal: new AbortController().signal,
    log: ({ message }: { message: string }) => void lines.push(message),
  };
  expect(retriesWith(patienceOf(step)).patience).toBeUndefined();
  const patience = patienceOf({ ...step, reconnectMs: 120_000 });
  expect(patience).toMatchObject({ ms: 120_000 });
  patience?.onAway?.(away());
  expect(lines).toEqual([expect.stringMatching(/cannot be reached.*2 min at most/)]);
});

test('K-084 a listing that breaks goes on behind what was told, and one that stays broken ends with the pool', async () => {
  const keys = ['a', 'b', 'c'].map((name) => parseObjectKey(`marks/${name}.json`));
  let breaks = 0;
  let isClosed = false;
  async function* list(most: number): AsyncGenerator<{ key: ReturnType<typeof parseObjectKey>; sizeBytes: number }> {
    try {
      for (const key of keys) {
        if (key === keys[1] && breaks++ < most) throw away();
        await Promise.resolve();
        yield { key, sizeBytes: 1 };
      }
    } finally {
      isClosed = true;
    }
  }
  const folder = openFolder('hf-retry-');
  const local = openLocalStore({ directory: folder.path, pool: 'p' });
  const told = async (most: number): Promise<string[]> => {
    breaks = 0;
    const found: string[] = [];
    for await (const { key } of withRetries({ ...local, list: () => list(most) }, quick).list('')) found.push(key);
    return found;
  };
  expect(await told(2)).toEqual(keys);
  await expect(told(3)).rejects.toMatchObject({ code: 'pool_unreachable' });
  isClosed = false;
  for await (const { key } of withRetries({ ...local, list: () => list(0) }, quick).list(''))
    if (key === keys[0]) break;
  expect(isClosed).toBe(true);
  await local.close();
  folder.remove();
});
