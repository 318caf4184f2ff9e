import { expect, test } from 'vitest';
import type { CarePlan } from '#core/care/retention-plan.ts';
import { decideRetention } from '#core/care/retention.ts';
import { CareWorld } from '#tests/support/care-world.ts';
import { testIds } from '#tests/support/catalog.ts';
import { planText } from './care-plan-text.ts';

test('a printed plan names every set and every stretch of log with its fate, the reason and the command that executes it', () => {
  const world = new CareWorld();
  const full = { kind: 'set', type: 'full', isConsistent: true, isForeign: false } as const;
  const log = { kind: 'log', segments: 3, isGap: false } as const;
  for (const event of [full, log, full, log]) world.apply(event);
  const policy = { rule: { kind: 'fulls', count: 1 }, minimumFulls: 1 } as const;
  const plan: CarePlan = {
    ...{ planId: testIds('plan'), kind: 'retention', poolId: testIds('pool'), resourceId: world.own, policy },
    ...{ madeAt: world.now, worldSha256: '', deletedBytes: 5010, ...decideRetention(world.world(policy)) },
  };
  const lines = planText(plan, 'the command').split('\n');
  const lineOf = (text: string): string => lines.find((line) => line.includes(text)) ?? '';
  expect(lineOf(world.sets[0]?.setId ?? 'none')).toMatch(/^DELETE .* the policy keeps newer sets/);
  expect(lineOf(world.sets[1]?.setId ?? 'none')).toMatch(/^keep .* it is the newest good set/);
  expect(lines.filter((line) => line.includes('timeline 1')).map((line) => line.slice(0, 6))).toEqual([
    'DELETE',
    'keep  ',
  ]);
  expect(lineOf('keeps ')).toContain('the last good full and all that is newer');
  expect(lineOf('Logical sets')).toMatch(/apart from this plan and stay: .*holdfast logical rm --keep <n>/);
  expect(lines[lines.length - 1]).toBe('To be deleted: 1 set, 1 batch of log, 4.9 KiB; by:  the command');
});
