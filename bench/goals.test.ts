import { expect, test } from 'vitest';
import type { Contender, Measured, Work } from './contender.ts';
import { isCurrent } from './goals.ts';
import { goalsPage } from './goals-page.ts';
import { reportOf } from './report.ts';
import type { Row } from './rounds.ts';
import { tableOf } from './table.ts';

const row = (work: Work, name: string, version: string, runs: readonly Measured[]): Row => {
  const contender: Contender = { name, version, options: 'none' };
  return { scenario: 'pgbench', server: '15.20', work, contender, runs: [...runs] };
};

const reportWith = (version: string, ourMs: number) =>
  reportOf(
    [
      row('full', 'holdfast', '1', [{ ms: ourMs, storedBytes: 90, rssMiB: 301 }]),
      row('full', 'pgbackrest', version, [{ ms: 1000, storedBytes: 100 }]),
    ],
    { sizeGb: 1, rounds: 1, overhead: undefined, memory: undefined },
  );

test('bench knows which pgBackRest counts as current', () => {
  expect(['2.45', '2.58.0', '2.59.1', '2.60.0dev', '3.0'].map(isCurrent)).toEqual([false, false, true, true, true]);
});

test('bench judges by the bar of the pgBackRest that was found', () => {
  const verdictWith = (version: string) =>
    reportWith(version, 450).goals.find(({ row: name }) => name === 'full backup, time');
  expect(verdictWith('2.45')).toMatchObject({ bar: '≤ 0.4 × pgBackRest 2.45', found: 0.45, verdict: 'missed' });
  expect(verdictWith('2.59.1')).toMatchObject({ bar: '≤ 0.5 × pgBackRest 2.59.1', verdict: 'met' });
});

test('bench says of each row of the goals whether it is met, missed or not measured', () => {
  const text = tableOf(reportWith('2.45', 300));
  expect(text).toMatch(/met +full backup, time +0\.3 /);
  expect(text).toMatch(/missed +memory of a backup, 2 channels +301 /);
  expect(text).toMatch(/not measured +restore, time/);
});

test('bench fills the table of goals in a page from several runs, with their median', () => {
  const page = 'before\n\n<!-- goals -->\n\nold\n\n<!-- /goals -->\n\nafter\n';
  const runs = [300, 500, 350].map((ms) => reportWith('2.45', ms));
  const filled = goalsPage(page, runs);
  expect(filled).toContain('| full backup, time | ≤ 0.4 × pgBackRest 2.45 | 0.3 | 0.5 | 0.35 | 0.35 | met 2 of 3 |');
  expect(filled.replaceAll(/\|[^\n]*\n/g, '')).toBe('before\n\n<!-- goals -->\n\n\n<!-- /goals -->\n\nafter\n');
  expect(goalsPage(filled, runs)).toBe(filled);
  expect(() => goalsPage('no marks', runs)).toThrow('goals');
});
