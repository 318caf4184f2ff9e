import { drillPolicyOf } from '#catalog/drills/drill-policy.ts';
import { findReport, plannedDrillOf } from '#catalog/drills/drills.ts';
import { findLogin, getResource } from '#catalog/resources/resources.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import type { OrderOf } from '#core/agent/order.ts';
import { verdictOf } from '#core/drill/drill-report.ts';
import { bug } from '#core/errors/fail.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import { drillReportShape } from '#core/settings/shape/drill.ts';
import type { Context } from '#api/context.ts';
import { targetOfOrder } from '#api/drill-targets.ts';

/** The order of a drill that was planned, without its pool. */
export async function drillOrder(
  context: Context,
  run: RunRow,
  { sourceId: resourceId, channels, limits, checks, target }: JobSpecOf<'drill'>,
): Promise<Omit<OrderOf<'drill'>, 'pool'>> {
  const { catalog } = context;
  const planned = await plannedDrillOf(catalog, run.id);
  if (planned === undefined) throw bug(`drill ${run.id} has no plan`);
  const login = await findLogin(catalog, resourceId);
  const { hostId, dataDirectory, name } = await getResource(catalog, resourceId);
  const restored = { systemId: planned.plan.systemId, source: { id: resourceId, name }, runId: run.id };
  const signed = await findReport(catalog, run.id);
  const { accepted } = await drillPolicyOf(catalog, resourceId);
  const told = signed && verdictOf(drillReportShape.parse(JSON.parse(signed.text)), signed.sha256, accepted);
  return {
    ...{ kind: 'drill', runId: run.id, hostId: run.hostId, plan: planned.plan, limits, channels, resourceId, checks },
    ...(login === undefined ? {} : { user: login.user }),
    ...(hostId === run.hostId ? { sourceDirectory: dataDirectory } : {}),
    ...(target === undefined ? {} : { target: await targetOfOrder(context, target, restored) }),
    ...(planned.canary === undefined ? {} : { canary: planned.canary }),
    ...(planned.canaryAbsent === undefined ? {} : { canaryAbsent: planned.canaryAbsent }),
    ...(told === undefined ? {} : { told }),
  };
}
