import { z } from 'zod';
import { getResource } from '#catalog/resources/resources.ts';
import type { TreeView } from '#core/logical/content-tree.ts';
import { sqlNameShape, treePageShape } from '#core/settings/shape/logical.ts';
import type { Context } from '../context.ts';
import { inspect } from '#api/pools/inspect.ts';
import { instanceAccess } from '#api/starts/orders.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { demandLogin, hostOfResource } from './resources.ts';

const treeQuery = z.object({
  database: sqlNameShape.optional(),
  schema: sqlNameShape.optional(),
  after: z.string().max(255).default(''),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});

/** The live content tree of an instance (K-050): databases, the schemas of one, the tables of one schema. */
export const contentTreeRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/resources/{resource}/tree',
    title: 'Databases, schemas or tables of a running instance with their sizes, by name, page by page (K-050)',
    access: { permission: 'read' },
    status: 200,
    params: z.object({ resource: z.string() }),
    query: treeQuery,
    answer: treePageShape.meta({ id: 'ContentTree' }),
    serve: async ({ params, query }) => {
      const resource = await getResource(context.catalog, params.resource);
      demandLogin(resource);
      const instance = await instanceAccess(context, resource.id);
      const inspection = { kind: 'content-tree' as const, instance, view: viewOf(query) };
      return {
        answer: await inspect(context, { hostId: hostOfResource(resource), inspection, answer: treePageShape }),
      };
    },
  }),
];

function viewOf({ database, schema, after, limit }: z.output<typeof treeQuery>): TreeView {
  if (database === undefined) return { of: 'databases', after, limit };
  return schema === undefined
    ? { of: 'schemas', database, after, limit }
    : { of: 'tables', database, schema, after, limit };
}
