import type { BatchId, SetId } from '../id.ts';
import type { CarePlan, Verdicts } from './retention-plan.ts';
import type { RetentionWorld } from './world.ts';

/**
 * The part of a world that a plan stands on, as text to hash: policy, sets, their condition and their marks. Log that was
 * backed up meanwhile does not change a plan.
 */
export const worldText = ({ resourceId, policy, sets, damaged, standings, unreadable }: RetentionWorld): string =>
  JSON.stringify([
    resourceId,
    policy ?? null,
    sets.map(({ setId }) => setId).sort(),
    [...damaged.keys()].sort(),
    [...standings].sort(([a], [b]) => (a < b ? -1 : 1)),
    [...(unreadable ?? [])].sort(),
  ]);

/** What a plan deletes: sets with those that build on others first, and batches. */
export interface Deletions {
  readonly sets: readonly SetId[];
  readonly batches: readonly BatchId[];
}

/** An incremental is younger than its base and ids sort by time, so the youngest go first. */
export const deletionsOf = ({ sets, log }: Verdicts): Deletions => ({
  sets: sets
    .filter(({ isDeleted }) => isDeleted)
    .map(({ setId }) => setId)
    .sort()
    .reverse(),
  batches: log.filter(({ isDeleted }) => isDeleted).flatMap(({ batches }) => batches),
});

/** True when everything that a plan deletes is still deleted by what would be decided now for the moment of the plan. */
export function isStillDecided(plan: CarePlan, now: Verdicts): boolean {
  const [planned, decided] = [deletionsOf(plan), deletionsOf(now)];
  const [sets, batches] = [new Set(decided.sets), new Set(decided.batches)];
  return planned.sets.every((setId) => sets.has(setId)) && planned.batches.every((batchId) => batches.has(batchId));
}

/** Why a set that a plan deletes stays by what is decided now for the moment of the plan; undefined: it goes. */
export function staysByNow({ sets }: Verdicts, setId: SetId): string | undefined {
  const verdict = sets.find((each) => each.setId === setId);
  if (verdict === undefined || verdict.isDeleted) return undefined;
  return verdict.reasons.map(({ detail }) => detail).join('; ');
}
