import { setTimeout as pause } from 'node:timers/promises';

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
