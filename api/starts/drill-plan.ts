import { setsOfDatabase } from '#catalog/backup-sets.ts';
import type { Database } from '#catalog/database.ts';
import { findCanary, keepPlan, lastCanary, lastLogBackup, plannedDrillOf } from '#catalog/drills/drills.ts';
import { drillPolicyOf } from '#catalog/drills/drill-policy.ts';
import { rpoTargetOf } from '#catalog/resources/targets.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { specOfRun } from '#catalog/runs/runs.ts';
import { soundBatchesOf } from '#catalog/pools/verification.ts';
import type { PlannedDrill } from '#core/drill/drill-report.ts';
import { judgeAbsence, newerWithout } from '#core/drill/expect-canary.ts';
import type { RecentDemand } from '#core/drill/recent.ts';
import type { PoolId, ResourceId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { instantFromMs } from '#core/instant.ts';
import { coverage } from '#core/log/coverage.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { scratchPlace } from '#core/restore/scratch-place.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import type { Context } from '#api/context.ts';
import { prepareRestore, restoreBody } from '#api/routes/restores/restores.ts';

type DrillSpec = JobSpecOf<'drill'>;

/** What a drill would restore now: the newest good set and all log. Throws what planning a restore refuses. */
export async function planOfDrill(
  context: Context,
  { sourceId, hostId, poolId }: { sourceId: string; hostId?: string | undefined; poolId?: string | undefined },
) {
  const { directory } = scratchPlace;
  const body = restoreBody.parse({
    ...{ resource: sourceId, target: { at: 'latest' }, place: { kind: 'copy', directory } },
    ...{ host: hostId, pool: poolId },
  });
  return prepareRestore(context, body);
}

/** Plans a drill when its run first asks, and keeps to it: a later attempt does the same, whatever was backed up meanwhile. */
export async function keepDrillPlan(context: Context, run: RunRow): Promise<void> {
  const spec = await specOfRun(context.catalog, run.id);
  const isPlanned = (await plannedDrillOf(context.catalog, run.id)) !== undefined;
  if (spec.kind === 'drill' && !isPlanned) await planNow(context, run, spec);
}

async function planNow(context: Context, run: RunRow, spec: DrillSpec): Promise<void> {
  const { catalog, clock } = context;
  const { sourceId: resourceId } = spec;
  const from = clock.nowMs();
  const asked = { sourceId: resourceId, hostId: run.hostId, poolId: spec.poolId };
  const { plan, poolId } = (await planOfDrill(context, asked)).spec;
  const read: Read = { sourceId: resourceId, poolId };
  const coveredUntil = await coveredUntilOf(context, plan, read);
  const recent = await recentDemandOf(catalog, resourceId);
  const planned: PlannedDrill = {
    plan,
    plannedAt: instantFromMs(from),
    chooseSeconds: (clock.nowMs() - from) / 1000,
    ...(coveredUntil === undefined ? {} : { coveredUntil }),
    ...(recent === undefined ? {} : { recent }),
    ...(await canaryOf(context, plan, read)),
  };
  await keepPlan(catalog, { runId: run.id, resourceId, poolId }, planned);
}

/** What is read: of which resource, from which pool. */
interface Read {
  readonly sourceId: ResourceId;
  readonly poolId: PoolId;
}

/** How old what a drill proves may be: as the RPO target says, else as the drill policy does; undefined: nobody said. */
async function recentDemandOf(catalog: Database, id: ResourceId): Promise<RecentDemand | undefined> {
  const rpo = await rpoTargetOf(catalog, id);
  if (rpo !== undefined) return { by: 'rpo-target', maxSeconds: rpo };
  const { maxAgeHours } = await drillPolicyOf(catalog, id);
  return maxAgeHours === undefined ? undefined : { by: 'drill-policy', maxSeconds: maxAgeHours * 3600 };
}

/** Up to when the pool knows the database: the RPO that a loss of the host would cost now. */
async function coveredUntilOf(
  { catalog }: Context,
  { systemId }: RestorePlan,
  { sourceId: owner, poolId }: Read,
): Promise<Instant | undefined> {
  const sets = (await setsOfDatabase(catalog, systemId)).filter((row) => row.poolId === poolId);
  const batches = await soundBatchesOf(catalog, systemId, poolId);
  return coverage({ sets: sets.map(({ summary }) => summary), batches, owner }).coveredUntil;
}

type PlannedCanary = Pick<PlannedDrill, 'canary' | 'canaryAbsent'>;

/** The newest canary in the log that is replayed, or why there is none to look for. */
async function canaryOf(
  { catalog }: Context,
  plan: RestorePlan,
  { sourceId: resourceId, poolId }: Read,
): Promise<PlannedCanary> {
  const isEnabled = (await findCanary(catalog, resourceId)) !== undefined;
  const end = plan.segments[plan.segments.length - 1];
  if (end === undefined || !isEnabled) return { canaryAbsent: judgeAbsence({ isEnabled }) };
  const replayed = { resourceId, poolId, branchId: end.branchId, to: plan.mustReach };
  const last = await lastLogBackup(catalog, replayed);
  const standing = { isEnabled, ...(last === undefined ? {} : { last }) };
  const canary = await lastCanary(catalog, replayed);
  if (canary === undefined) return { canaryAbsent: judgeAbsence(standing) };
  const note = newerWithout(canary.runId, standing);
  return { canary: { ...canary, ...(note === undefined ? {} : { note }) } };
}
