import { createHash } from 'node:crypto';
import { setsOfDatabase } from '#catalog/backup-sets.ts';
import { batchesOf } from '#catalog/log-batches.ts';
import { locksIn } from '#catalog/pools/pool-locks.ts';
import type { PoolRow } from '#catalog/pools/pools.ts';
import type { PlannedDeletions } from '#catalog/pools/retention.ts';
import { findPolicy, storePlan } from '#catalog/pools/retention.ts';
import { standingsOf } from '#catalog/pools/set-marks.ts';
import { unusableSets } from '#catalog/pools/set-standing.ts';
import { damagedLogOf } from '#catalog/pools/verification.ts';
import { systemsOfResource } from '#catalog/resources/systems-of-resource.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { LogToDelete } from '#core/care/care-task.ts';
import { decideRemoval } from '#core/care/remove-set.ts';
import type { CarePlan, Verdicts } from '#core/care/retention-plan.ts';
import { decideRetention } from '#core/care/retention.ts';
import { deletionsOf, isStillDecided, worldText } from '#core/care/same-world.ts';
import type { RetentionWorld } from '#core/care/world.ts';
import { fail } from '#core/errors/fail.ts';
import type { ResourceId, SetId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { instantFromMs } from '#core/instant.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { Context } from '#api/context.ts';

/** Which resource in which pool a plan is about. */
export interface CareScope {
  readonly resourceId: ResourceId;
  readonly pool: PoolRow;
}

/** Everything that retention looks at, as the catalog knows it now. */
export async function careWorld(
  { catalog }: Context,
  { resourceId, pool }: CareScope,
  now: Instant,
): Promise<RetentionWorld> {
  const sets: SetSummary[] = [];
  const batches: BatchSummary[] = [];
  const damaged = new Map<SetId, string>();
  const damagedLog = new Set<string>();
  for (const systemId of await systemsOfResource(catalog, resourceId, pool.id)) {
    const rows = (await setsOfDatabase(catalog, systemId)).filter((row) => row.poolId === pool.id);
    sets.push(...rows.map(({ summary }) => summary));
    batches.push(...(await batchesOf(catalog, systemId, pool.id)));
    for (const object of await damagedLogOf(catalog, systemId, pool.id)) damagedLog.add(object);
    for (const [setId, why] of await unusableSets(catalog, systemId, pool.id)) damaged.set(setId, why);
  }
  for (const set of sets) if (hasDamagedPages(set)) damaged.set(set.setId, 'it holds damaged pages of its source');
  const standings = await standingsOf(
    catalog,
    sets.map(({ setId }) => setId),
    pool.id,
  );
  const policy = (await findPolicy(catalog, pool.id, resourceId))?.policy;
  const locked = await locksIn(catalog, pool);
  return { resourceId, policy, now, sets, batches, damagedLog, damaged, standings, locked };
}

const hasDamagedPages = ({ warnings }: SetSummary): boolean => warnings.some(({ code }) => code === 'page_damaged');

interface Wish {
  readonly scope: CareScope;
  /** One set that an operator wants gone; absent: what the policy says. */
  readonly setId?: SetId;
  readonly madeBy: string;
}

/** Makes a plan and stores it, so that exactly it can be executed. Throws `set_unknown`, `set_protected`. */
export async function makeCarePlan(context: Context, { scope, setId, madeBy }: Wish): Promise<CarePlan> {
  const madeAt = instantFromMs(context.clock.nowMs());
  const world = await careWorld(context, scope, madeAt);
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
  const world = await careWorld(context, scope, plan.madeAt);
  const outdated = (what: string) => fail('plan_outdated', { plan: plan.planId, what });
  if (sha256(worldText(world)) !== plan.worldSha256)
    throw outdated('sets, their marks, their condition or the policy have changed since it was shown');
  const [only] = plan.sets.filter(({ reasons }) => reasons.some(({ detail }) => detail === 'an operator asked for it'));
  if (!isStillDecided(plan, verdictsOf(world, plan.kind === 'remove' ? only?.setId : undefined)))
    throw outdated('what it would delete is needed by now');
}
