import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import type { TokenBucket } from '#core/pool/token-bucket.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';

/** Waits for room in a bucket. Throws `cancelled` within half a second of an abort. */
export async function takeTokens(bucket: TokenBucket, bytes: number, signal?: AbortSignal): Promise<void> {
  for (let waitMs = bucket.book(bytes); waitMs > 0; waitMs = bucket.book(0)) {
    if (signal?.aborted === true) throw fail('cancelled', { what: 'The transfer' });
    await sleep(waitMs);
  }
}

/** Decorator: bodies put and got pass through the bucket (K-085 transfer rate); control calls do not. */
export function withRateLimit(store: ObjectStore, bucket: TokenBucket, signal?: AbortSignal): ObjectStore {
  return {
    ...store,
    async putIfAbsent(key, body) {
      await takeTokens(bucket, body.length, signal);
      return store.putIfAbsent(key, body);
    },
    async get(key, range) {
      const body = await store.get(key, range);
      await takeTokens(bucket, body.length, signal);
      return body;
    },
  };
}
