import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';

/** How often and how patiently; waits double from `firstWaitMs` to at most `longestWaitMs`. */
export interface RetryRule {
  readonly attempts: number;
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

/** About 6 s in all: longer outages are the business of the workflow's retries, which can also be cancelled. */
export const poolRetries: RetryRule = { attempts: 6, firstWaitMs: 200, longestWaitMs: 3000 };

const canHelp = (error: unknown): boolean => error instanceof HoldfastError && error.class === 'unavailable';

/** Repeats a step while its error is `unavailable` and attempts are left. */
export async function retrying<T>(rule: RetryRule, step: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step(attempt);
    } catch (error) {
      if (!canHelp(error) || attempt >= rule.attempts) throw error;
      await sleep(Math.min(rule.firstWaitMs * 2 ** (attempt - 1), rule.longestWaitMs));
    }
  }
}

/** After a put whose answer was lost, `exists` may be our own object: it is, when the bytes are equal. */
async function putOnce(
  store: ObjectStore,
  key: ObjectKey,
  body: Uint8Array,
  attempt: number,
): Promise<'created' | 'exists'> {
  const outcome = await store.putIfAbsent(key, body);
  if (outcome === 'created' || attempt === 1) return outcome;
  const info = await store.head(key);
  if (info?.sizeBytes !== body.length) return 'exists';
  return Buffer.compare(await store.get(key), body) === 0 ? 'created' : 'exists';
}

/** Decorator: repeats what failed for want of a connection. Listings are not repeated: their readers start again. */
export function withRetries(store: ObjectStore, rule: RetryRule = poolRetries): ObjectStore {
  return {
    putIfAbsent: (key, body) => retrying(rule, (attempt) => putOnce(store, key, body, attempt)),
    get: (key, range) => retrying(rule, () => store.get(key, range)),
    head: (key) => retrying(rule, () => store.head(key)),
    list: (prefix) => store.list(prefix),
    remove: (keys) => retrying(rule, () => store.remove(keys)),
    barrier: (also) => retrying(rule, () => store.barrier(also)),
    freeBytes: () => store.freeBytes(),
    close: () => store.close(),
  };
}
