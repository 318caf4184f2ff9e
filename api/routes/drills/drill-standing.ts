import { z } from 'zod';
import { drillPolicyOf, storeDrillPolicy } from '#catalog/drills/drill-policy.ts';
import type { DrillRow } from '#catalog/drills/drills.ts';
import { lastPassed, lastProven } from '#catalog/drills/drills.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { predictRto } from '#core/drill/drill-report.ts';
import type { DrillPolicy } from '#core/drill/proof.ts';
import { acceptable, isEnough, unprovenOf } from '#core/drill/proof.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { countShape, idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Context } from '#api/context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { planOfDrill } from '#api/starts/drill-plan.ts';

const outlookAnswer = z
  .object({
    /** Hours that the last drill that proved enough may be old. */
    maxAgeHours: countShape.exactOptional(),
    /** Checks that the policy does without. */
    accepted: z.array(z.enum(acceptable)),
    /** Whatever it proved. */
    lastPassedRun: idShape('run').exactOptional(),
    lastPassedAt: instantShape.exactOptional(),
    /** What the last passed drill did not prove and the policy does not accept: for that it does not count. */
    unproven: z.array(z.string()),
    /** The last that passed and counts for the policy. */
    lastProvenRun: idShape('run').exactOptional(),
    lastProvenAt: instantShape.exactOptional(),
    isStale: z.boolean(),
    /** How long a recovery would take now, by the last passed drill. */
    predictedRtoSeconds: z.number().exactOptional(),
  })
  .meta({ id: 'DrillOutlook' });

/** Whether the drills of a resource are fresh enough and prove enough. */
export const drillStandingRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/resources/{resource}/drill-outlook',
    title:
      'When a drill of a resource last passed, whether that is too long ago, and how long a recovery would take now',
    access: { permission: 'read' },
    status: 200,
    params: z.object({ resource: z.string() }),
    answer: outlookAnswer,
    serve: async ({ params }) => ({ answer: await outlookOf(context, params.resource) }),
  }),
  route({
    method: 'put',
    path: '/api/v1/resources/{resource}/drill-policy',
    title:
      'How old the last drill of a resource that proved enough may be before an alarm is raised, and what need not be proven; without hours: no alarm',
    access: { permission: 'manage-resources' },
    status: 200,
    params: z.object({ resource: z.string() }),
    body: z.object({
      maxAgeHours: z.number().int().min(1).max(87_600).exactOptional(),
      accepted: z
        .array(z.enum(acceptable))
        .max(acceptable.length)
        .default([])
        .meta({ description: 'checks that a drill need not make to count' }),
    }),
    answer: outlookAnswer,
    serve: async ({ params, body }) => {
      const { id } = await getResource(context.catalog, params.resource);
      const { maxAgeHours, accepted } = body;
      const age = maxAgeHours === undefined ? {} : { maxAgeHours };
      await storeDrillPolicy(context.catalog, id, { accepted: [...new Set(accepted)], ...age });
      return { answer: await outlookOf(context, id) };
    },
  }),
];

type Outlook = z.output<typeof outlookAnswer>;

async function outlookOf(context: Context, asked: string): Promise<Outlook> {
  const { id } = await getResource(context.catalog, asked);
  const policy = await drillPolicyOf(context.catalog, id);
  const last = await lastPassed(context.catalog, id);
  const now = await planned(context, id);
  const predicted = now === undefined ? undefined : predictRto(last?.report ?? undefined, now);
  return {
    ...policyAnswer(policy),
    ...passedAnswer(last, policy),
    ...provenAnswer(await lastProven(context.catalog, id, policy), policy, context.clock.nowMs()),
    ...(predicted === undefined ? {} : { predictedRtoSeconds: predicted }),
  };
}

const policyAnswer = ({ maxAgeHours, accepted }: DrillPolicy): Pick<Outlook, 'maxAgeHours' | 'accepted'> => ({
  ...(maxAgeHours === undefined ? {} : { maxAgeHours }),
  accepted: [...accepted],
});

function passedAnswer(
  last: DrillRow | undefined,
  policy: DrillPolicy,
): Pick<Outlook, 'lastPassedRun' | 'lastPassedAt' | 'unproven'> {
  if (last === undefined) return { unproven: [] };
  const unproven = unprovenOf(last.report?.checks ?? []).filter((name) => !isEnough([name], policy));
  const at = last.finishedAt === null ? {} : { lastPassedAt: last.finishedAt };
  return { lastPassedRun: last.runId, ...at, unproven };
}

function provenAnswer(
  proven: DrillRow | undefined,
  { maxAgeHours }: DrillPolicy,
  nowMs: number,
): Pick<Outlook, 'lastProvenRun' | 'lastProvenAt' | 'isStale'> {
  const at = proven?.finishedAt ?? undefined;
  const ageHours = at === undefined ? Infinity : (nowMs - Date.parse(at)) / 3_600_000;
  return {
    ...(proven === undefined ? {} : { lastProvenRun: proven.runId }),
    ...(at === undefined ? {} : { lastProvenAt: at }),
    isStale: maxAgeHours !== undefined && ageHours > maxAgeHours,
  };
}

/** What a recovery would read now; nothing when none is possible. */
async function planned(context: Context, sourceId: string) {
  try {
    const { plan } = (await planOfDrill(context, { sourceId })).spec;
    const bytes = plan.rawBytes - plan.segments.length * plan.segmentBytes;
    return { bytes, logSegments: plan.segments.length };
  } catch (error) {
    if (error instanceof HoldfastError && error.class !== 'bug') return undefined;
    throw error;
  }
}
