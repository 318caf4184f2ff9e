import { setTimeout as pause } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';

const pollMs = 25;

/** Asks until `isTrue` answers true; false when `deadlineMs` (from now) has passed. Errors of the question count as "no". */
export const waitFor = async (isTrue: () => Promise<boolean> | boolean, deadlineMs: number): Promise<boolean> => {
  const end = performance.now() + deadlineMs;
  for (;;) {
    if (await Promise.resolve(isTrue()).catch(() => false)) return true;
    if (performance.now() > end) return false;
    await pause(pollMs);
  }
};

const askEveryMs = 200;

/** Asks until there is an answer and returns it. Errors of the question are thrown; `wait_timed_out` after `timeoutMs`. */
export const pollUntil = async <T>(
  ask: () => Promise<T | undefined>,
  { what, timeoutMs }: { readonly what: string; readonly timeoutMs: number },
): Promise<T> => {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw fail('wait_timed_out', { what, seconds: String(Math.round(timeoutMs / 1000)) });
    await pause(askEveryMs);
  }
};
