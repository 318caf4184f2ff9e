import { expect, test } from 'vitest';
import { histogramLines } from './print.ts';
import type { Chronicle, Kill } from './record.ts';
import { histogramOf, verdictOf } from './record.ts';

const kill = (victim: Kill['victim'], ...hits: Kill['hits']): Kill => ({
  ...{ episode: 1, atSeconds: 1, outageMs: 1000, victim, hits },
});
const kills = [
  kill('agent', { kind: 'full-backup', phase: 'copy' }, { kind: 'drill', phase: 'restore' }),
  kill('agent', { kind: 'full-backup', phase: 'copy' }),
  kill('minio', { kind: 'full-backup', phase: 'copy' }),
  kill('api'),
];
const right: Chronicle = {
  ...{ kills, wrongs: [], resentBytes: 0, proofs: {} },
  runs: [{ episode: 1, id: 'run', kind: 'full-backup', state: 'succeeded', seconds: 2 }],
};

test('a kill counts in the phase of each run that it hit, one that hit none as idle', () => {
  const rows = histogramOf(kills).map(({ kind, phase, byVictim: { agent, minio, api } }) => [
    kind,
    phase,
    agent,
    minio,
    api,
  ]);
  expect(rows).toEqual([
    ['-', 'idle', 0, 0, 1],
    ['drill', 'restore', 1, 0, 0],
    ['full-backup', 'copy', 2, 1, 0],
  ]);
  const [head = '', ...lines] = histogramLines(histogramOf(kills));
  expect(lines.map((line) => line.length)).toEqual(lines.map(() => head.length));
});

test('the verdict is right only when nothing went wrong, nothing was sent again, and something was killed', () => {
  expect(verdictOf(right)).toMatchObject({
    ...{ isRight: true, kills: 4, runs: 1, wrongEnds: 0, runsByKind: { 'full-backup': 1 } },
    killsByVictim: { agent: 2, 'second-agent': 0, worker: 0, api: 1, temporal: 0, catalog: 0, minio: 1 },
  });
  expect(verdictOf({ ...right, wrongs: [{ episode: 1, what: 'a session is left' }] }).isRight).toBe(false);
  expect(verdictOf({ ...right, resentBytes: 1 }).isRight).toBe(false);
  expect(verdictOf({ ...right, kills: [] }).isRight).toBe(false);
  expect(verdictOf({ ...right, runs: [] }).isRight).toBe(false);
});
