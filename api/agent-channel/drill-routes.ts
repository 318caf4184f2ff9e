import { z } from 'zod';
import { isTargetOf } from '#catalog/drills/drill-targets.ts';
import { drillPolicyOf } from '#catalog/drills/drill-policy.ts';
import { closeReport, plannedDrillOf, poolOfDrill, storeReport } from '#catalog/drills/drills.ts';
import { getHost } from '#catalog/hosts.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { getResource } from '#catalog/resources/resources.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { getRun, specOfRun } from '#catalog/runs/runs.ts';
import type { DrillFacts, DrillVerdict } from '#core/drill/drill.ts';
import { buildReport, verdictOf } from '#core/drill/drill-report.ts';
import { bug, fail } from '#core/errors/fail.ts';
import { isFinal } from '#core/run/run-state.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import { closedReportShape, drillFactsShape, drillReportShape, drillVerdictShape } from '#core/settings/shape/drill.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { productVersion } from '#core/version.ts';
import type { Context } from '../context.ts';
import { demandAssigned } from '#api/starts/orders.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { jsonText } from '#core/text.ts';

/** What an agent tells of a drill: the report is made, chained and signed here, where the key is. */
export const drillAgentRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/drill',
    title: 'Tell what a drill found; its report is signed and stored. Idempotent: the first word counts',
    access: 'host',
    status: 200,
    params: z.object({ run: idShape('run') }),
    body: drillFactsShape,
    answer: drillVerdictShape,
    serve: async ({ params, body, caller }) => {
      if (caller.kind !== 'host') throw fail('host_key_refused', {});
      const run = await getRun(context.catalog, params.run);
      demandAssigned(run, params.run, caller.hostId, isFinal(run.state));
      const spec = await specOfRun(context.catalog, run.id);
      if (spec.kind !== 'drill') throw fail('order_refused', { run: run.id, host: run.hostId });
      return { answer: await reported(context, { run, spec, facts: body }) };
    },
  }),
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/drill-target',
    title: 'Ask, right before a drill target is closed and replaced, whether it is still marked and of this open run',
    access: 'host',
    status: 204,
    params: z.object({ run: idShape('run') }),
    body: z.object({ token: z.string() }),
    serve: async ({ params, body, caller }) => {
      if (caller.kind !== 'host') throw fail('host_key_refused', {});
      const run = await getRun(context.catalog, params.run);
      demandAssigned(run, params.run, caller.hostId, isFinal(run.state));
      const spec = await specOfRun(context.catalog, run.id);
      if (spec.kind !== 'drill' || spec.target === undefined)
        throw fail('order_refused', { run: run.id, host: run.hostId });
      await demandTarget(context, { id: spec.target.resourceId, runId: run.id, token: body.token });
      return { answer: undefined };
    },
  }),
  closeRoute(context),
];

/** Asked of a run that is over, too: its agent gives the place of the target back. */
const closeRoute = (context: Context): Route =>
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/drill-report/close',
    title:
      'Settle, before the place of a drill target is given back, whether its report is stored: else none will be. Idempotent',
    access: 'host',
    status: 200,
    params: z.object({ run: idShape('run') }),
    answer: closedReportShape,
    serve: async ({ params, caller }) => {
      if (caller.kind !== 'host') throw fail('host_key_refused', {});
      const run = await getRun(context.catalog, params.run);
      demandAssigned(run, params.run, caller.hostId, false);
      return { answer: { isStored: await closeReport(context.catalog, run.id) } };
    },
  });

/** Throws `drill_target_unmarked`, `resource_unknown`. */
async function demandTarget({ catalog }: Context, asked: Parameters<typeof isTargetOf>[1]): Promise<void> {
  const { name } = await getResource(catalog, asked.id);
  if (await isTargetOf(catalog, asked)) return;
  throw fail('drill_target_unmarked', { target: name, why: 'its mark was taken away' });
}

interface Told {
  readonly run: RunRow;
  readonly spec: JobSpecOf<'drill'>;
  readonly facts: DrillFacts;
}

async function reported(context: Context, { run, spec, facts }: Told): Promise<DrillVerdict> {
  const { catalog, clock } = context;
  const planned = await plannedDrillOf(catalog, run.id);
  const poolId = await poolOfDrill(catalog, run.id);
  if (planned === undefined || poolId === undefined) throw bug(`drill ${run.id} was told before it was planned`);
  const signer = await context.reportSigner();
  const [resource, host, pool] = await Promise.all([
    getResource(catalog, spec.sourceId),
    getHost(catalog, run.hostId),
    getPool(catalog, poolId),
  ]);
  const target = spec.target && (await getResource(catalog, spec.target.resourceId));
  const about = {
    ...{ runId: run.id, resource: named(resource), host: named(host), pool: named(pool) },
    ...(target === undefined ? {} : { target: named(target) }),
    toolVersion: productVersion,
  };
  const signed = await storeReport(catalog, { runId: run.id, resourceId: resource.id }, (previousSha256) => {
    const report = buildReport({ facts, planned, about: { ...about, previousSha256 }, finishedMs: clock.nowMs() });
    return { report, signed: signer.sign(jsonText(report, 1)) };
  });
  const { accepted } = await drillPolicyOf(catalog, resource.id);
  return verdictOf(drillReportShape.parse(JSON.parse(signed.text)), signed.sha256, accepted);
}

const named = <I>({ id, name }: { readonly id: I; readonly name: string }) => ({ id, name });
