import { expect, test } from 'vitest';
import { noProgress } from '#core/run/progress.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { doneOf, phaseText, tenthText } from './progress-text.ts';

const lsn = parseLsn;

test('K-089 a recovery is shown by its place in the log and the time that is left', () => {
  const replay = { from: lsn('0/1000000'), at: lsn('0/2000000'), to: lsn('0/5000000') };
  const progress = { ...noProgress, phase: 'recover', bytesWritten: 7, bytesTotal: 7 };
  expect(phaseText({ ...progress, replay })).toBe('recover at 0/2000000 of 0/5000000');
  expect(phaseText({ ...progress, replay: { ...replay, secondsLeft: 7300 } })).toBe(
    'recover at 0/2000000 of 0/5000000, 2.0 h left',
  );
  expect(doneOf({ ...progress, replay })).toMatchObject({ done: 0x1000000, all: 0x4000000 });
  expect(phaseText(progress)).toBe('recover');
  expect(doneOf({ ...progress, bytesTotal: 14 })).toMatchObject({ done: 7, all: 14 });
});

test('K-089 without a terminal a run tells each tenth of its bytes once', () => {
  const at = (bytesRead: number): string =>
    tenthText({ ...noProgress, phase: 'copy', bytesRead, bytesTotal: 3 * 1024 });
  expect([0, 307, 308, 2000, 3072].map(at)).toEqual(['', '', '10 % of 3.0 KiB', '60 % of 3.0 KiB', '100 % of 3.0 KiB']);
  const replay = { from: lsn('0/1000000'), at: lsn('0/2000000'), to: lsn('0/5000000') };
  expect(tenthText({ ...noProgress, phase: 'recover', replay })).toBe('20 % of 64.0 MiB log');
  expect(tenthText(noProgress)).toBe('');
});
