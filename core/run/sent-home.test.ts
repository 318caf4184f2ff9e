import { expect, test } from 'vitest';
import type { RunOutcome } from '../ports/run-book.ts';
import { sentHome, targetTaken } from './sent-home.ts';

const failed = (code: string): RunOutcome => ({ state: 'failed', code, params: {}, message: 'why' });

test('K-092 a drill of a plan that finds its target busy is skipped with the reason; anything else stays as it was', () => {
  expect(sentHome(failed('drill_target_busy'), targetTaken)).toEqual({
    ...failed('drill_target_busy'),
    state: 'skipped',
  });
  expect(sentHome(failed('drill_failed'), targetTaken)).toEqual(failed('drill_failed'));
  expect(sentHome(failed('drill_target_busy'))).toEqual(failed('drill_target_busy'));
  const done: RunOutcome = { state: 'succeeded', result: {} };
  expect(sentHome(done, targetTaken)).toBe(done);
});
