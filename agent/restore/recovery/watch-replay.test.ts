import { expect, test } from 'vitest';
import { fromLog, fromTitles } from './watch-replay.ts';

const segmentBytes = 16_777_216;

test('the title of the startup process names the segment that is replayed, in the words of 12 and of later servers', () => {
  expect(
    fromTitles(['postgres: checkpointer', 'postgres: startup recovering 000000020000000100000003'], segmentBytes),
  ).toBe('1/3000000');
  expect(fromTitles(['postgres: startup   recovering 000000010000000000000005'], segmentBytes)).toBe('0/5000000');
  expect(fromTitles(['postgres: main: startup recovering 000000010000000000000005'], segmentBytes)).toBe('0/5000000');
  expect(fromTitles(['postgres: walwriter', 'kingbase: startup'], segmentBytes)).toBeUndefined();
});

test('the log of a server names the last position that it reached', () => {
  const line = (lsn: string): string =>
    `2026-11-21 10:00:00 UTC LOG:  redo in progress, elapsed time: 10.00 s, current LSN: ${lsn}\n`;
  expect(fromLog(`${line('0/3000028')}${line('0/9000110')}LOG:  other`)).toBe('0/9000110');
  expect(fromLog('LOG:  starting archive recovery')).toBeUndefined();
});
