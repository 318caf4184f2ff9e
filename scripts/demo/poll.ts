import { setTimeout as pause } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';

const pollMs = 100;

/** Asks until there is an answer. Throws `demo_overdue` after the time-out; errors of the question pass through. */
export async function pollUntil<T>(
  ask: () => Promise<T | undefined>,
  { what, timeoutMs }: { what: string; timeoutMs: number },
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw fail('demo_overdue', { what, seconds: String(Math.round(timeoutMs / 1000)) });
    await pause(pollMs);
  }
}
