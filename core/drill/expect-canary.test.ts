import { expect, test } from 'vitest';
import { formatId } from '../id.ts';
import { canaryImpossible, canaryNotWritten, judgeAbsence, newerWithout } from './expect-canary.ts';

const runId = formatId('run', 1, new Uint8Array(10));
const older = formatId('run', 0, new Uint8Array(10));
const lastWith = (code: string) => ({ isEnabled: true, last: { runId, reason: { code, detail: 'no lock' } } });

test('K-092 a canary that a log backup was to write and did not is a failed check, never a silent one', () => {
  expect(judgeAbsence(lastWith(canaryNotWritten))).toEqual({
    ...{ verdict: 'failed', why: `log backup ${runId} wrote none: no lock` },
  });
});

test('K-092 a canary that never could be there is not checked, with the reason', () => {
  const reasons = [
    { isEnabled: false },
    { isEnabled: true },
    { isEnabled: true, last: { runId } },
    lastWith(canaryImpossible),
  ].map(judgeAbsence);
  expect(reasons.map(({ verdict }) => verdict)).toEqual(Array(4).fill('skipped'));
  expect(reasons.map(({ why }) => why)).toEqual([
    expect.stringMatching(/^not checked: canaries are not switched on/),
    expect.stringMatching(/^not checked: no log backup has committed/),
    expect.stringMatching(/^not checked: canaries were switched on after/),
    expect.stringMatching(/^not checked: log backup run_\w+ wrote none: no lock$/),
  ]);
});

test('K-092 a canary of an older log backup says what it does not prove', () => {
  expect(newerWithout(older, lastWith(canaryNotWritten))).toContain('no lock');
  expect(newerWithout(runId, lastWith(canaryNotWritten))).toBeUndefined();
  expect(newerWithout(older, { isEnabled: true })).toBeUndefined();
});
