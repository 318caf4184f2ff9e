import { z } from 'zod';
import type { Finding } from '#core/agent/inspection.ts';
import type { PlaceQuestion } from '#core/agent/order.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { HostId } from '#core/id.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { shownInScratch } from '#core/restore/scratch-place.ts';
import { findingShape, scratchFoundShape } from '#core/settings/shape/host.ts';
import type { Context } from '#api/context.ts';
import { inspect } from './inspect.ts';

/** What stands at the place of a plan. A host that does not answer is a finding itself: the plan holds without it. */
export const lookAtPlace = (context: Context, plan: RestorePlan, hostId: HostId): Promise<Finding[]> =>
  lookAt(context, questionOf(plan), hostId);

/** Where on its host the agent would make the scratch instance of a plan, and whether there is room; shown in the plan. */
export async function lookAtScratch(
  context: Context,
  plan: RestorePlan,
  hostId: HostId,
): Promise<{ readonly plan: RestorePlan; readonly findings: readonly Finding[] }> {
  try {
    const inspection = { kind: 'scratch' as const, bytes: plan.rawBytes };
    const { root, findings } = await inspect(context, { hostId, inspection, answer: scratchFoundShape });
    return { plan: shownInScratch(plan, root), findings };
  } catch (error) {
    return { plan: shownInScratch(plan, '/<scratch directory of the agent>'), findings: [notLookedAt(error)] };
  }
}

/** The same of any directory that is to be written. */
export async function lookAt(context: Context, inspection: PlaceQuestion, hostId: HostId): Promise<Finding[]> {
  try {
    return await inspect(context, { hostId, inspection, answer: z.array(findingShape) });
  } catch (error) {
    return [notLookedAt(error)];
  }
}

/** Throws what is no refusal. */
function notLookedAt(error: unknown): Finding {
  if (!(error instanceof HoldfastError) || error.class === 'bug') throw error;
  return { check: 'place', verdict: 'warn', detail: `not looked at: ${error.message}`, hint: error.hint };
}

const questionOf = ({ place, tablespaceMap, rawBytes, systemId, ways }: RestorePlan): PlaceQuestion => ({
  kind: 'place',
  isCopy: place.kind === 'copy',
  ...(ways?.isDelta === true ? { isDelta: true } : {}),
  directory: place.directory,
  tablespaces: Object.values(tablespaceMap),
  // Log included.
  bytes: rawBytes,
  systemId,
});
