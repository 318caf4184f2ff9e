import { z } from 'zod';
import { getResource } from '#catalog/resources/resources.ts';
import { getTarget, listTargets, removeTarget, storeTarget, targetRowShape } from '#catalog/resources/targets.ts';
import { targetSecondsShape } from '#core/settings/shape/target.ts';
import type { Context } from '../context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { listShape, nameOf, wholeList } from './words.ts';

const targetAnswer = targetRowShape.meta({ id: 'Target' });
const params = z.object({ resource: z.string() });
const targetBody = z
  .object({ rpoSeconds: targetSecondsShape.exactOptional(), rtoSeconds: targetSecondsShape.exactOptional() })
  .refine(
    ({ rpoSeconds, rtoSeconds }) => rpoSeconds !== undefined || rtoSeconds !== undefined,
    'rpoSeconds, rtoSeconds or both',
  );

/** Targets: how much may be lost, and how long recovery may take. They are judged each minute. */
export const targetRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/targets',
    title: 'RPO and RTO targets of resources',
    access: { permission: 'read' },
    status: 200,
    answer: listShape(targetAnswer),
    serve: async () => wholeList(await listTargets(context.catalog)),
  }),
  route({
    method: 'put',
    path: '/api/v1/resources/{resource}/target',
    title: 'Set the RPO or RTO target of a resource; what is not given stays as it is',
    access: { permission: 'manage-resources' },
    status: 200,
    params,
    body: targetBody,
    answer: targetAnswer,
    serve: async ({ params: { resource }, body, caller }) => {
      const row = await getResource(context.catalog, resource);
      await storeTarget(context.catalog, row.id, { ...body, setBy: nameOf(caller) });
      return { answer: await getTarget(context.catalog, row) };
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/resources/{resource}/target',
    title: 'Remove the targets of a resource',
    access: { permission: 'manage-resources' },
    status: 204,
    params,
    serve: async ({ params: { resource } }) => {
      const row = await getResource(context.catalog, resource);
      await getTarget(context.catalog, row);
      await removeTarget(context.catalog, row.id);
      return { answer: undefined };
    },
  }),
];
