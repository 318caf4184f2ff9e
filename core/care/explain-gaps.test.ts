import { expect, test } from 'vitest';
import type { LogGap, LogTimeline } from '../log/timeline.ts';
import { parseLsn } from '../wal/lsn.ts';
import { explainGaps } from './explain-gaps.ts';

const range = (from: string, to: string, branchId = 'b') => ({ branchId, from: parseLsn(from), to: parseLsn(to) });
const timelineOf = (...gaps: readonly LogGap[]): LogTimeline => ({
  branches: [{ branchId: 'b', timeline: 2, stretches: [], gaps }],
  windows: [],
  furthest: [],
});
const gapsAfter = (gap: LogGap, ...deleted: readonly ReturnType<typeof range>[]): number =>
  explainGaps(timelineOf(gap), deleted).branches[0]?.gaps.length ?? -1;

test('log that retention deleted is no gap; log that was lost stays one, also when only a part of it was deleted', () => {
  const gap = { from: parseLsn('0/1000000'), to: parseLsn('0/5000000') };
  expect(gapsAfter(gap)).toBe(1);
  expect(gapsAfter(gap, range('0/1000000', '0/5000000'))).toBe(0);
  expect(gapsAfter(gap, range('0/3000000', '0/6000000'), range('0/0', '0/3000000'))).toBe(0);
  expect(gapsAfter(gap, range('0/0', '0/2000000'), range('0/3000000', '0/6000000'))).toBe(1);
  expect(gapsAfter(gap, range('0/1000000', '0/5000000', 'another'))).toBe(1);
});

test('log of an ancestor that retention deleted is no gap before the branch that came after it', () => {
  const gap = { from: parseLsn('0/1000000'), to: parseLsn('0/3000000') };
  const child = { branchId: 'c', timeline: 2, stretches: [], gaps: [gap] };
  const parent = { branchId: 'b', timeline: 1, stretches: [], gaps: [] };
  const gapsOf = (deleted: readonly ReturnType<typeof range>[], link = {}) =>
    explainGaps({ ...timelineOf(), branches: [parent, { ...child, ...link }] }, deleted).branches[1]?.gaps;
  const ofParent = { parent: { branchId: 'b', forkLsn: parseLsn('0/3000028') } };
  expect(gapsOf([range('0/0', '0/3000000')], ofParent)).toEqual([]);
  expect(gapsOf([range('0/0', '0/2000000')], ofParent)).toEqual([gap]);
  expect(gapsOf([range('0/0', '0/3000000')])).toEqual([gap]);
});
