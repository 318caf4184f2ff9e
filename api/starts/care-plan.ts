import { createHash } from 'node:crypto';
import type { CareScope } from '#catalog/pools/care-world.ts';
import { careWorld } from '#catalog/pools/care-world.ts';
import type { PlannedDeletions } from '#catalog/pools/retention.ts';
import { storePlan } from '#catalog/pools/retention.ts';
import type { LogToDelete } from '#core/care/care-task.ts';
import { decideRemoval } from '#core/care/remove-set.ts';
import type { CarePlan, Verdicts } from '#core/care/retention-plan.ts';
import { decideRetention } from '#core/care/retention.ts';
import { deletionsOf, isStillDecided, worldText } from '#core/care/same-world.ts';
import type { RetentionWorld } from '#core/care/world.ts';
import { fail } from '#core/errors/fail.ts';
import type { SetId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { Context } from '#api/context.ts';

interface Wish {
  readonly scope: CareScope;
  /** One set that an operator wants gone; absent: what the policy says. */
  readonly setId?: SetId;
  readonly madeBy: string;
}

/** Makes a plan and stores it, so that exactly it can be executed. Throws `set_unknown`, `set_protected`. */
export async function makeCarePlan(context: Context, { scope, setId, madeBy }: Wish): Promise<CarePlan> {
  const madeAt = instantFromMs(context.clock.nowMs());
  const world = await careWorld(context.catalog, scope, madeAt);
  const verdicts = verdictsOf(world, setId);
  const deleted = [...verdicts.sets, ...verdicts.log].filter(({ isDeleted }) => isDeleted);
  const plan: CarePlan = {
    ...{ planId: context.ids('plan'), kind: setId === undefined ? 'retention' : 'remove' },
    ...{ poolId: scope.pool.id, resourceId: scope.resourceId, madeAt },
    ...(world.policy === undefined ? {} : { policy: world.policy }),
    worldSha256: sha256(worldText(world)),
    deletedBytes: deleted.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    ...verdicts,
  };
  await storePlan(context.catalog, plan, plannedDeletions(world, verdicts), madeBy);
  return plan;
}

const verdictsOf = (world: RetentionWorld, setId: SetId | undefined): Verdicts =>
  setId === undefined ? decideRetention(world) : decideRemoval(world, setId);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Objects of log by branch: those that a batch which stays names too are left out. */
function plannedDeletions({ batches }: RetentionWorld, verdicts: Verdicts): PlannedDeletions {
  const planned = deletionsOf(verdicts);
  const gone = new Set(planned.batches);
  const branches = new Map<string, { readonly going: BatchSummary[]; readonly staying: Set<string> }>();
  for (const batch of batches) {
    const name = `${batch.systemId}/${batch.branchId}`;
    const branch = branches.get(name) ?? { going: [], staying: new Set<string>() };
    branches.set(name, branch);
    if (gone.has(batch.batchId)) branch.going.push(batch);
    else for (const { object } of batch.segments) branch.staying.add(object);
  }
  const log = [...branches.values()]
    .filter(({ going }) => going.length > 0)
    .map(({ going, staying }) => logOf(going, staying));
  return { sets: planned.sets, log };
}

function logOf(going: readonly BatchSummary[], staying: ReadonlySet<string>): LogToDelete {
  const [first] = going;
  const objects = new Set(going.flatMap(({ segments }) => segments.map(({ object }) => object)));
  return {
    ...{ systemId: first?.systemId ?? '', branchId: first?.branchId ?? '' },
    batches: going.map(({ batchId, from, to }) => ({ batchId, from, to })),
    objects: [...objects].filter((object) => !staying.has(object)),
  };
}

/** Throws `plan_outdated` when anything that a plan stands on is not as it was when it was shown. */
export async function demandSameWorld(context: Context, plan: CarePlan, scope: CareScope): Promise<void> {
  const world = await careWorld(context.catalog, scope, plan.madeAt);
  const outdated = (what: string) => fail('plan_outdated', { plan: plan.planId, what });
  if (sha256(worldText(world)) !== plan.worldSha256)
    throw outdated('sets, their marks, their condition or the policy have changed since it was shown');
  const [only] = plan.sets.filter(({ reasons }) => reasons.some(({ detail }) => detail === 'an operator asked for it'));
  if (!isStillDecided(plan, verdictsOf(world, plan.kind === 'remove' ? only?.setId : undefined)))
    throw outdated('what it would delete is needed by now');
}
