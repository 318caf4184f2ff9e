import { isSabotaged } from './sabotage.ts';
import type { RetentionProof } from './proof.ts';
import type { SetFacts } from './scenes.ts';
import type { Stage } from './stage.ts';

interface PlanAnswer {
  readonly sets: readonly {
    readonly setId: string;
    readonly type: string;
    readonly storedBytes: number;
    readonly isDeleted: boolean;
    readonly reasons: readonly { readonly detail: string }[];
  }[];
}

/** The sets of the pool as it lists them itself. */
const setsInPool = async ({ poolView }: Stage): Promise<readonly string[]> =>
  (await poolView.list('sets/')).flatMap(({ key }) => /^sets\/([^/]+)\/meta$/.exec(key)?.[1] ?? []).sort();

/**
 * Keeps the last full and plans what that would delete. The plan must speak of exactly the sets that the pool lists, each
 * with a reason, and delete only the first full: the second is the newest, and the incremental builds on it. Nothing is
 * deleted by a plan.
 */
export async function planRetention(
  stage: Stage,
  { first, second, incremental }: { first: SetFacts; second: SetFacts; incremental: SetFacts },
): Promise<RetentionProof> {
  const { client, resource, pool } = stage;
  if (isSabotaged(stage, 'retention-explains'))
    await client.post(`/backup-sets/${first.id}/marks`, { kind: 'pin', text: 'sabotage' });
  const policy = { rule: { kind: 'fulls', count: 1 }, minimumFulls: 1 };
  await client.post('/retention', { resource, pool, policy });
  const { sets } = await client.post<PlanAnswer>('/retention/plans', { resource, pool });
  const listed = await setsInPool(stage);
  const fates = Object.fromEntries(sets.map(({ setId, isDeleted }) => [setId, isDeleted]));
  stage.checks.compare(
    'retention-explains',
    { listed, fates: { [first.id]: true, [second.id]: false, [incremental.id]: false }, unexplained: [] },
    {
      listed: sets.map(({ setId }) => setId).sort(),
      fates,
      unexplained: sets.filter(({ reasons }) => reasons.length === 0).map(({ setId }) => setId),
    },
    `a reason for each of the ${String(listed.length)} sets that the pool lists, and only the oldest full goes`,
  );
  return sets.map(({ setId, type, storedBytes, isDeleted, reasons }) => ({
    ...{ setId, type, storedBytes, isDeleted },
    why: reasons.map(({ detail }) => detail).join('; '),
  }));
}
