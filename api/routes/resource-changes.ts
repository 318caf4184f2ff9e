import { z } from 'zod';
import { removedResourceShape, removeResource, renameResource } from '#catalog/resources/resource-changes.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { nameShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { resource } from './resources.ts';

const resourceParams = z.object({ resource: z.string() });

/** What changes or ends a registration; the instance itself is never touched. */
export const resourceChangeRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/resources/{resource}/rename',
    title: 'Give a resource another name',
    access: { permission: 'manage-resources' },
    status: 200,
    params: resourceParams,
    body: z.object({ name: nameShape }),
    answer: resource,
    serve: async ({ params, body }) => {
      const { id } = await getResource(context.catalog, params.resource);
      await renameResource(context.catalog, id, body.name);
      return { answer: await getResource(context.catalog, id) };
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/resources/{resource}',
    title: 'Take a resource from its host; its sets and log stay and can be restored',
    access: { permission: 'manage-resources' },
    status: 200,
    params: resourceParams,
    answer: removedResourceShape.meta({ id: 'RemovedResource' }),
    serve: async ({ params }) => {
      const { id } = await getResource(context.catalog, params.resource);
      return { answer: await removeResource(context.catalog, id) };
    },
  }),
];
