import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  drillTargetShape,
  findDrillTarget,
  jobsDrillingTo,
  listDrillTargets,
  removeDrillTarget,
  storeDrillTarget,
} from '#catalog/drills/drill-targets.ts';
import type { ResourceRow } from '#catalog/resources/resources.ts';
import { getResource, hostOfResource } from '#catalog/resources/resources.ts';
import { getHost } from '#catalog/hosts.ts';
import { fail } from '#core/errors/fail.ts';
import type { Context } from '#api/context.ts';
import { askTarget } from '#api/drill-targets.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { listShape, nameOf, wholeList } from '#api/routes/words.ts';

const targetParams = z.object({ resource: z.string() });
const targetAnswer = drillTargetShape.meta({ id: 'DrillTarget' });
const planAnswer = z
  .object({
    resource: z.string(),
    directory: z.string(),
    isRunning: z.boolean(),
    isMarked: z.boolean(),
    steps: z.array(z.string()),
    /** What must be typed. */
    consent: z.string(),
  })
  .meta({ id: 'DrillTargetPlan' });

/** Instances that drills may replace: plan, consent, mark (K-092, K-105). */
export const drillTargetRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/drill-targets',
    title: 'Instances that are marked as drill targets',
    access: { permission: 'read' },
    status: 200,
    answer: listShape(targetAnswer),
    serve: async () => wholeList((await listDrillTargets(context.catalog)).map(shown)),
  }),
  route({
    method: 'post',
    path: '/api/v1/resources/{resource}/drill-target/plan',
    title: 'What marking an instance as a drill target would mean; nothing is touched',
    access: { permission: 'manage-resources' },
    status: 200,
    params: targetParams,
    answer: planAnswer,
    serve: async ({ params }) => ({ answer: await planOf(context, params.resource) }),
  }),
  route({
    method: 'put',
    path: '/api/v1/resources/{resource}/drill-target',
    title:
      'Mark an instance as a drill target, in its data directory and here: every drill to it discards what it holds',
    access: { permission: 'manage-resources' },
    status: 200,
    params: targetParams,
    body: z.object({ consent: z.string().max(200).meta({ description: 'The name of the resource, typed' }) }),
    answer: targetAnswer,
    serve: async ({ params, body, caller }) => {
      const resource = await getResource(context.catalog, params.resource);
      const { name } = resource;
      if (body.consent !== name) throw fail('drill_target_consent_mismatch', { given: body.consent, resource: name });
      await mark(context, resource, nameOf(caller));
      return { answer: shown(await marked(context, resource)) };
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/resources/{resource}/drill-target',
    title: 'No drill may replace this instance any more; refused while a run is open that drills to it',
    access: { permission: 'manage-resources' },
    status: 200,
    params: targetParams,
    answer: z.object({
      resource: z.string(),
      isMarked: z.literal(false),
      jobs: z
        .array(z.string())
        .meta({ description: 'Jobs that drill to it still: their runs are refused from now on' }),
    }),
    serve: async ({ params }) => ({ answer: await unmark(context, params.resource) }),
  }),
];

const shown = ({ resourceId, resource, markedAt, markedBy, copyOf, copyUntil }: z.output<typeof drillTargetShape>) => ({
  ...{ resourceId, resource, markedAt, markedBy, copyOf, copyUntil },
});

async function marked({ catalog }: Context, { id, name }: ResourceRow) {
  const row = await findDrillTarget(catalog, id);
  if (row === undefined) throw fail('drill_target_unmarked', { target: name, why: 'its mark was taken away' });
  return row;
}

/** The directory first: a mark without a row allows nothing. One that is marked stays as it is. */
async function mark(context: Context, resource: ResourceRow, markedBy: string): Promise<void> {
  const { catalog } = context;
  if ((await findDrillTarget(catalog, resource.id)) !== undefined) return;
  const token = randomUUID();
  await askTarget(context, resource, { does: 'mark', token });
  await storeDrillTarget(catalog, { id: resource.id, token, markedBy });
}

async function unmark(context: Context, asked: string) {
  const { catalog } = context;
  const resource = await getResource(catalog, asked);
  await removeDrillTarget(catalog, resource);
  // The row counts; the mark in the directory alone allows nothing, and its host may be away.
  const { isOnline } = await getHost(catalog, hostOfResource(resource));
  if (isOnline) await askTarget(context, resource, { does: 'unmark', token: '' });
  return { resource: resource.name, isMarked: false as const, jobs: [...(await jobsDrillingTo(catalog, resource.id))] };
}

async function planOf(context: Context, asked: string): Promise<z.output<typeof planAnswer>> {
  const resource = await getResource(context.catalog, asked);
  const { name } = resource;
  const isMarked = (await findDrillTarget(context.catalog, resource.id)) !== undefined;
  if (isMarked)
    return { resource: name, directory: resource.dataDirectory, isRunning: false, isMarked, steps: [], consent: name };
  const { directory, isRunning } = await askTarget(context, resource, { does: 'look', token: '' });
  const steps = [
    `${directory} gets a mark, and so does resource ${name} in the catalog; nothing else happens now`,
    `from then on each drill with --target ${name} closes the server of ${directory}${isRunning ? ', which runs now' : ''}`,
    `it DISCARDS what ${directory} holds once the restored database is in its place; there is no way back to it`,
    'the restored database archives nothing, listens on a private socket alone and follows nobody',
    'take the server out of the service manager of its host: nothing else may start it',
  ];
  return { resource: name, directory, isRunning, isMarked, steps, consent: name };
}
