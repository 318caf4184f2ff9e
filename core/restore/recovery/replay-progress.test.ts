import { expect, test } from 'vitest';
import { parseLsn } from '#core/wal/lsn.ts';
import { ReplayProgress } from './replay-progress.ts';

test('K-089 a recovery says where it replays and how long the rest takes at the speed of the last half minute', () => {
  const progress = new ReplayProgress(parseLsn('0/8000000'));
  const first = progress.saw(parseLsn('0/2000000'), 0);
  expect(first).toEqual({ from: '0/2000000', at: '0/2000000', to: '0/8000000' });
  expect(progress.saw(parseLsn('0/3000000'), 10_000)).toEqual({
    ...{ from: '0/2000000', at: '0/3000000', to: '0/8000000' },
    secondsLeft: 50,
  });
  expect(progress.saw(parseLsn('0/3000000'), 20_000).secondsLeft).toBe(100);
  // Faster now: what was half a minute ago counts no more.
  expect(progress.saw(parseLsn('0/7000000'), 60_000).secondsLeft).toBeLessThan(15);
});

test('a position that goes back counts as the furthest, and behind the point nothing is left', () => {
  const progress = new ReplayProgress(parseLsn('0/4000000'));
  progress.saw(parseLsn('0/3000000'), 0);
  expect(progress.saw(parseLsn('0/1000000'), 1000)).toMatchObject({ at: '0/3000000' });
  expect(progress.saw(parseLsn('0/5000000'), 2000)).toMatchObject({ at: '0/5000000', secondsLeft: 0 });
});
