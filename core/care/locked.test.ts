import { expect, test } from 'vitest';
import type { BatchId, SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import { instantFromMicros, microsOfInstant } from '../instant.ts';
import type { WorldEvent } from '#tests/support/care-world.ts';
import { CareWorld } from '#tests/support/care-world.ts';
import type { RetentionPolicy } from './policy.ts';
import { decideRemoval } from './remove-set.ts';
import { decideRetention } from './retention.ts';
import { deletionsOf } from './same-world.ts';

const full: WorldEvent = { kind: 'set', type: 'full', isConsistent: true, isForeign: false };
const log: WorldEvent = { kind: 'log', segments: 3, isGap: false };
const lastFull: RetentionPolicy = { rule: { kind: 'fulls', count: 1 }, minimumFulls: 1 };

const after = (...events: readonly WorldEvent[]): CareWorld => {
  const world = new CareWorld();
  for (const event of events) world.apply(event);
  return world;
};
const inDays = (now: Instant, days: number): Instant => instantFromMicros(microsOfInstant(now) + days * 86_400_000_000);

test('what an immutable pool protects is not tried: it stays until then, says so, and goes after', () => {
  const stage = after(full, log, full, log);
  const world = stage.world(lastFull);
  const [first] = stage.sets;
  const [batch] = stage.batches;
  if (first === undefined || batch === undefined) return expect.fail('there is no set and no log');
  expect(deletionsOf(decideRetention(world))).toEqual({ sets: [first.setId], batches: [batch.batchId] });
  const lockedFor = (days: number, id: SetId | BatchId = first.setId) =>
    new Map<SetId | BatchId, Instant>([[id, inDays(world.now, days)]]);
  const reasonsOf = (locked: ReadonlyMap<SetId | BatchId, Instant>): readonly string[] => {
    const verdicts = decideRetention({ ...world, locked });
    const reasons = [...verdicts.sets, ...verdicts.log].flatMap((one) => one.reasons);
    return reasons.filter(({ code }) => code === 'locked').map(({ detail }) => detail);
  };
  const why = `the pool protects it: locked until ${inDays(world.now, 3)}`;
  expect(reasonsOf(lockedFor(3))).toEqual([why]);
  expect(deletionsOf(decideRetention({ ...world, locked: lockedFor(3) })).sets).toEqual([]);
  expect(reasonsOf(lockedFor(3, batch.batchId))).toEqual([why]);
  const onlyLog = deletionsOf(decideRetention({ ...world, locked: lockedFor(3, batch.batchId) }));
  expect(onlyLog).toEqual({ sets: [first.setId], batches: [] });
  expect(deletionsOf(decideRetention({ ...world, locked: lockedFor(-1) })).sets).toEqual([first.setId]);
  expect(() => decideRemoval({ ...world, locked: lockedFor(3) }, first.setId)).toThrow(/locked until/);
});
