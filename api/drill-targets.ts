import {
  directoriesBeside,
  findDrillTarget,
  openDrillTo,
  systemsBeside,
  takeDrillTarget,
} from '#catalog/drills/drill-targets.ts';
import type { DrilledCopy } from '#catalog/drills/drilled-copies.ts';
import { expectCopy } from '#catalog/drills/drilled-copies.ts';
import type { ResourceRow } from '#catalog/resources/resources.ts';
import { getResource, hostOfResource } from '#catalog/resources/resources.ts';
import type { DrillTargetOfJob, DrillTargetOfOrder, TargetQuestion } from '#core/drill/drill-target.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId } from '#core/id.ts';
import { targetFoundShape } from '#core/settings/shape/drill.ts';
import type { Context } from './context.ts';
import { inspect } from './pools/inspect.ts';

/** The target of a drill as its job holds it. Throws `drill_target_is_source`, `drill_target_unmarked`, `resource_detached`. */
export async function targetOfDrill(
  { catalog }: Context,
  source: ResourceRow,
  asked: { readonly target: string; readonly afterwards: DrillTargetOfJob['afterwards'] },
): Promise<{ readonly target: DrillTargetOfJob; readonly hostId: HostId }> {
  const target = await getResource(catalog, asked.target);
  const hostId = hostOfResource(target);
  const isSamePlace = source.hostId === hostId && source.dataDirectory === target.dataDirectory;
  if (target.id === source.id || isSamePlace) {
    const why = 'it is the resource that is drilled';
    throw fail('drill_target_is_source', { target: target.name, why });
  }
  if ((await findDrillTarget(catalog, target.id)) === undefined)
    throw fail('drill_target_unmarked', { target: target.name, why: 'nobody has consented to it' });
  return { target: { resourceId: target.id, afterwards: asked.afterwards }, hostId };
}

/** Refuses to begin a drill beside another one to the same target. Throws `drill_target_in_use`. */
export async function demandFreeTarget(
  { catalog }: Context,
  target: Pick<DrillTargetOfJob, 'resourceId'> | undefined,
): Promise<void> {
  const run = target && (await openDrillTo(catalog, target.resourceId));
  if (run === undefined || target === undefined) return;
  throw fail('drill_target_in_use', { target: (await getResource(catalog, target.resourceId)).name, run });
}

/**
 * What the agent is told of the target, which is the run's from now on. Throws `drill_target_unmarked` when the mark was taken away
 * meanwhile, `drill_target_in_use`, `drill_target_busy`.
 */
export async function targetOfOrder(
  { catalog }: Context,
  { resourceId, afterwards }: DrillTargetOfJob,
  restored: Omit<DrilledCopy, 'resourceId'>,
): Promise<DrillTargetOfOrder> {
  const resource = await getResource(catalog, resourceId);
  const marked = await takeDrillTarget(catalog, { id: resourceId, runId: restored.runId });
  if (marked === undefined)
    throw fail('drill_target_unmarked', { target: resource.name, why: 'its mark was taken away' });
  await expectCopy(catalog, { ...restored, resourceId });
  const { dataDirectory, port } = resource;
  const others = await directoriesBeside(catalog, hostOfResource(resource), resourceId);
  return { resourceId, token: marked.token, dataDirectory, port, others: [...others], afterwards };
}

/** Asks the agent of an instance to look at it, to mark it, or to take its mark away. Throws `drill_target_is_source`, `host_offline`. */
export async function askTarget(
  context: Context,
  resource: ResourceRow,
  { does, token }: Pick<TargetQuestion, 'does'> & { readonly token: string },
) {
  const { catalog } = context;
  const hostId = hostOfResource(resource);
  const { id: resourceId, dataDirectory } = resource;
  const others = await directoriesBeside(catalog, hostId, resourceId);
  const foreignSystems = await systemsBeside(catalog, resourceId);
  const inspection: TargetQuestion = {
    ...{ kind: 'drill-target', does, mark: { resourceId, token }, dataDirectory, others, foreignSystems },
  };
  return inspect(context, { hostId, inspection, answer: targetFoundShape });
}
