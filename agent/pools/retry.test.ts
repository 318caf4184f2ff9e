import { expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RetryRule } from './retry.ts';
import { patienceOf, retriesWith, retrying } from './retry.ts';

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
