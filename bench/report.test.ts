import { expect, test } from 'vitest';
import type { Contender, Measured, Work } from './contender.ts';
import { reportOf } from './report.ts';
import type { Row } from './rounds.ts';
import { runRounds } from './rounds.ts';
import { tableOf } from './table.ts';

const contender = (name: string): Contender => ({ name, version: '1', options: 'none' });

const row = (scenario: string, work: Work, name: string, runs: readonly Measured[]): Row => ({
  ...{ scenario, server: '15.20', work, contender: contender(name), runs: [...runs] },
});

const times = (...ms: readonly number[]): readonly Measured[] => ms.map((each) => ({ ms: each }));
const about = { sizeGb: 1, rounds: 3, overhead: undefined, memory: undefined };

test('bench divides our medians by those of pgBackRest', () => {
  const report = reportOf(
    [
      row('pgbench', 'full', 'holdfast', [
        { ms: 100, storedBytes: 90, rssMiB: 10 },
        { ms: 900, storedBytes: 90, rssMiB: 12 },
        { ms: 200, storedBytes: 90, rssMiB: 11 },
      ]),
      row('pgbench', 'full', 'pgbackrest', [{ ms: 400, storedBytes: 100 }]),
      row('2 000 transactions', 'incremental', 'holdfast', [{ ms: 20, engineMs: 10, storedBytes: 5 }]),
      row('2 000 transactions', 'incremental', 'holdfast agent', [{ ms: 8, engineMs: 7, storedBytes: 5 }]),
      row('2 000 transactions', 'incremental', 'holdfast page-lsn', [{ ms: 1, storedBytes: 1 }]),
      row('2 000 transactions', 'incremental', 'pgbackrest', [{ ms: 100, storedBytes: 10 }]),
      row('20 000 relations', 'full', 'holdfast', times(30)),
      row('20 000 relations', 'full', 'pgbackrest', times(60)),
    ],
    about,
  );
  expect(report.ratios).toEqual({
    ...{ full: 0.5, size: 0.9, incremental: 0.08, incrementalFresh: 0.1, incrementalWhole: 0.2, incrementalBytes: 0.5 },
    smallFiles: 0.5,
  });
  expect(report.rssMiB).toBe(12);
  expect(report.lines[0]).toMatchObject({ medianMs: 200, spreadMs: [100, 900] });
  expect(report.versions['postgresql 15']).toBe('15.20');
});

test('bench compares log with the faster way of pgBackRest, in segments a second', () => {
  const rows = [
    row('log', 'log', 'holdfast', times(4000)),
    row('log', 'log', 'pgbackrest', times(16_000)),
    row('log', 'log', 'pgbackrest async', times(8000)),
  ];
  const report = reportOf(rows, about);
  expect(report.ratios.logPush).toBe(2);
  expect(report.lines[0]?.segmentsPerSecond).toBe(12);
  expect(tableOf(report)).toContain('logPush 2');
});

test('bench leaves out what has no peer and says so', () => {
  const report = reportOf([row('pgbench', 'full', 'holdfast', times(1))], about);
  expect(report.ratios).toEqual({});
  expect(report.missing).toEqual(['pgbackrest is not installed: no ratios to it']);
});

test('bench lets contenders take turns in alternating order and does not count the first round', async () => {
  const order: string[] = [];
  const working = (name: string): Contender => ({
    ...contender(name),
    full: (round) => {
      order.push(`${name}${String(round)}`);
      return Promise.resolve({ ms: round });
    },
  });
  const request = { scenario: 'pgbench', server: '15', works: ['full', 'restore'] as const, rounds: 2 };
  const rows = await runRounds([working('a'), working('b')], { ...request, say: () => undefined });
  expect(order).toEqual(['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
  expect(rows.map(({ work, runs }) => [work, runs.map(({ ms }) => ms)])).toEqual([
    ['full', [1, 2]],
    ['full', [1, 2]],
  ]);
});
