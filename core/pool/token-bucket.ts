import type { Clock } from '../ports/clock.ts';

/** Shares a rate among callers. Pure: the clock is brought, waiting is the caller's. */
export interface TokenBucket {
  /**
   * Books `bytes` and returns how long to wait before using them, in milliseconds, at most `longestWaitMs`; a caller
   * told to wait asks again with 0 bytes until it is told 0, so that a changed limit is felt at once.
   */
  book(bytes: number): number;
}

/** A step never sleeps longer than this before it looks at the limit again (limits change within 2 s, design §9). */
export const longestWaitMs = 500;
/** Credit that an idle bucket gathers, in seconds of its rate. */
const burstSeconds = 0.25;

/** `limit` tells the bytes per second now in force, undefined for none, 0 while nothing may pass. K-085, K-086. */
export function createTokenBucket(limit: () => number | undefined, clock: Clock): TokenBucket {
  let credit = 0;
  let lastMs = clock.nowMs();
  return {
    book(bytes) {
      const rate = limit();
      const nowMs = clock.nowMs();
      const passedMs = Math.max(0, nowMs - lastMs);
      lastMs = nowMs;
      if (rate === undefined) {
        credit = 0;
        return 0;
      }
      credit = Math.min(credit + (passedMs * rate) / 1000, rate * burstSeconds) - bytes;
      if (rate === 0) return longestWaitMs;
      return credit >= 0 ? 0 : Math.min((-credit / rate) * 1000, longestWaitMs);
    },
  };
}
