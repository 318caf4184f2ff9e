import { expect, test } from 'vitest';
import type { WorldEvent } from '#tests/support/care-world.ts';
import { CareWorld } from '#tests/support/care-world.ts';
import type { RetentionPolicy } from './policy.ts';
import { decideRetention } from './retention.ts';
import { deletionsOf } from './same-world.ts';
import type { RetentionWorld } from './world.ts';
import { systemWorld } from './world.ts';

const full: WorldEvent = { kind: 'set', type: 'full', isConsistent: true, isForeign: false };
const withoutLog: WorldEvent = { ...full, isConsistent: false };
const log: WorldEvent = { kind: 'log', segments: 2, isGap: false };
const policy: RetentionPolicy = { rule: { kind: 'fulls', count: 1 }, minimumFulls: 1 };

/** What is decided when these batches, by their place, were found damaged as a whole. */
function decided(events: readonly WorldEvent[], damaged: readonly number[]) {
  const care = new CareWorld();
  for (const event of events) care.apply(event);
  const keys = damaged.flatMap((i) => {
    const batch = care.batches[i];
    return batch?.segments.map(({ object }) => `logs/${batch.systemId}/${batch.branchId}/${object}`) ?? [];
  });
  const world: RetentionWorld = { ...care.world(policy), damagedLog: new Set(keys) };
  const gone = deletionsOf(decideRetention(world));
  return {
    sets: care.sets.map(({ setId }) => (gone.sets.includes(setId) ? 'deleted' : 'kept')),
    log: care.batches.map(({ batchId }) => (gone.batches.includes(batchId) ? 'deleted' : 'kept')),
    good: systemWorld(world, care.systemId).good.map((set) => care.sets.indexOf(set)),
  };
}

const story = [full, log, withoutLog, log];

test('D-021 a set without its log counts as good only while that log is sound: the older good full stays', () => {
  expect(decided(story, [])).toEqual({ sets: ['deleted', 'kept'], log: ['deleted', 'kept'], good: [0, 1] });
  expect(decided(story, [1])).toEqual({ sets: ['kept', 'kept'], log: ['kept', 'kept'], good: [0] });
});

test('a set that holds its own log counts whatever became of the log, and damaged log goes when sound log would', () => {
  const whole = [full, log, full, log];
  const sound = decided(whole, []);
  expect(sound.sets).toEqual(['deleted', 'kept']);
  for (const damaged of [[0], [1], [0, 1]]) expect(decided(whole, damaged)).toEqual(sound);
});

test('log behind a set without its log may be damaged: the set itself is restored with what is sound', () => {
  expect(decided([...story, log], [2])).toEqual(decided([...story, log], []));
});
