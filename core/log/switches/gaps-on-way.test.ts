import { expect, test } from 'vitest';
import { parseLsn } from '../../wal/lsn.ts';
import { gapsOnWay } from './gaps-on-way.ts';
import type { LogBranch, LogGap } from '../timeline.ts';

const gap = (from: string, to: string): LogGap => ({ from: parseLsn(from), to: parseLsn(to) });
const branch = (timeline: number, gaps: readonly LogGap[], parent?: readonly [number, string]): LogBranch => ({
  ...{ branchId: `b${String(timeline)}`, timeline, stretches: [], gaps },
  ...(parent === undefined ? {} : { parent: { branchId: `b${String(parent[0])}`, forkLsn: parseLsn(parent[1]) } }),
});
const onWay = (current: number, ...branches: readonly LogBranch[]) =>
  gapsOnWay({ branches, windows: [], furthest: [], currentBranchId: `b${String(current)}` });

test('K-098 a gap before a switch of timelines stays one, a gap of the way that was abandoned is none', () => {
  const [before, behind, own] = [
    gap('0/2000000', '0/3000000'),
    gap('0/7000000', '0/8000000'),
    gap('0/9000000', '0/A000000'),
  ];
  const first = branch(1, [before, behind]);
  const second = branch(2, [own], [1, '0/5000028']);
  expect(onWay(1, first)).toEqual([before, behind]);
  expect(onWay(2, first, second)).toEqual([before, own]);
  expect(onWay(3, first, second, branch(3, [], [2, '0/9500000']))).toEqual([before, own]);
  expect(onWay(3, first, second, branch(3, [], [2, '0/8500000']))).toEqual([before]);
  expect(onWay(2, second)).toEqual([own]);
  expect(onWay(4, first)).toEqual([]);
});
