import { HoldfastError } from '#core/errors/holdfast-error.ts';

const firstPauseMs = 500;
const longestPauseMs = 15_000;

/** Repeats a call on the agent channel while the API is away; every other error goes through. Ends at once on abort. */
export async function untilAvailable<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.class !== 'unavailable') throw error;
    }
    await pause(pauseMs, signal);
  }
}

/** Waits, or throws the reason of the signal as soon as it is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
