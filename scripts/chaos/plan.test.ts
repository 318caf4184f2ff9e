import { expect, test } from 'vitest';
import type { Episode } from './plan.ts';
import { episodesOf, kinds, kindsElsewhere, logicalKinds, undisturbed, victims } from './plan.ts';

function take(seed: number, count: number): readonly Episode[] {
  const source = episodesOf(seed);
  return Array.from({ length: count }, () => source.next().value);
}

test('the same seed plans the same kills, another seed plans others', () => {
  expect(take(7, 50)).toEqual(take(7, 50));
  expect(take(8, 5)).not.toEqual(take(7, 5));
});

test('kinds and victims come up as often as each other, on every seed', () => {
  for (const seed of [1, 2, 3]) {
    const episodes = take(seed, 160);
    const runs = kinds.map((kind) => episodes.flatMap((one) => one.runs).filter((run) => run.kind === kind).length);
    expect(Math.max(...runs) - Math.min(...runs)).toBeLessThanOrEqual(2);
    const kills = victims.map(
      (victim) => episodes.flatMap((one) => one.kills).filter((kill) => kill.victim === victim).length,
    );
    expect(Math.max(...kills) - Math.min(...kills)).toBeLessThanOrEqual(1);
  }
});

test('instants are uniform over the time of the runs, and kills of an episode come in their order', () => {
  const tenths = Array.from({ length: 10 }, () => 0);
  const episodes = take(11, 1000);
  for (const { kills } of episodes) {
    const shares = kills.map(({ share }) => share);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    for (const share of shares) tenths[Math.floor(share * 10)] = (tenths[Math.floor(share * 10)] ?? 0) + 1;
  }
  const all = tenths.reduce((sum, count) => sum + count, 0);
  for (const count of tenths) expect(Math.abs(count / all - 0.1)).toBeLessThan(0.02);
});

test('no episode has two runs that want one lane', () => {
  for (const { runs } of [...take(5, 300), ...undisturbed(5)]) {
    expect(new Set(runs.map(({ kind }) => kind)).size).toBe(runs.length);
    expect(runs.filter(({ kind }) => logicalKinds.includes(kind)).length).toBeLessThanOrEqual(1);
    expect(runs.filter(({ kind }) => kind === 'log-backup' || kind === 'log-stream').length).toBeLessThanOrEqual(1);
    expect(runs.filter(({ kind }) => kind === 'drill' || kind === 'drill-elsewhere').length).toBeLessThanOrEqual(1);
  }
});

test('whoever works in a pool that is killed works in that one, and the second host in the bucket alone', () => {
  for (const { runs, kills } of take(13, 300)) {
    const isPoolKilled = kills.some(({ victim }) => victim === 'minio');
    for (const { kind, pool } of runs) if (isPoolKilled || kindsElsewhere.includes(kind)) expect(pool).toBe('far');
  }
});

test('every kind is measured once before the first kill', () => {
  const episodes = undisturbed(9);
  expect(episodes.flatMap(({ kills }) => kills)).toEqual([]);
  expect(episodes.flatMap(({ runs }) => runs.map(({ kind }) => kind)).sort()).toEqual([...kinds].sort());
});
