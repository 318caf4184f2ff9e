import { expect, test } from 'vitest';
import { silenceMs } from './silence.ts';

const dayMs = 86_400_000;

/** How often the lane was asked in so many days of silence. */
function asked(days: number): number {
  let rounds = 0;
  for (let sum = silenceMs(0); sum <= days * dayMs; sum += silenceMs(rounds)) rounds += 1;
  return rounds;
}

test('a run that waits for ten years asks its lane about once a day, and soon after it began', () => {
  expect(silenceMs(0)).toBe(60_000);
  expect(asked(1)).toBeLessThanOrEqual(5);
  expect(asked(3653)).toBeLessThan(3700);
});
