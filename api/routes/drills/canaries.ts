import { z } from 'zod';
import { findCanary, removeCanary, storeCanary } from '#catalog/drills/drills.ts';
import { findLogin, getResource } from '#catalog/resources/resources.ts';
import { parseTableName } from '#core/drill/canary.ts';
import { fail } from '#core/errors/fail.ts';
import type { Context } from '#api/context.ts';
import { inspect } from '#api/pools/inspect.ts';
import { demandLiveNames } from '#api/starts/demand-names.ts';
import { instanceAccess } from '#api/starts/orders.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { hostOfResource } from '#api/routes/resources.ts';

const resourceParams = z.object({ resource: z.string() });
const canaryAnswer = z
  .object({ isEnabled: z.boolean(), database: z.string().exactOptional(), staticTables: z.array(z.string()) })
  .meta({ id: 'Canary' });

/** The canary of a resource: a row that each log backup writes and each drill looks for. */
export const canaryRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/resources/{resource}/canary',
    title: 'Whether log backups of a resource write a canary, and which tables are marked static',
    access: { permission: 'read' },
    status: 200,
    params: resourceParams,
    answer: canaryAnswer,
    serve: async ({ params }) => ({ answer: await shown(context, params.resource) }),
  }),
  route({
    method: 'put',
    path: '/api/v1/resources/{resource}/canary',
    title:
      'Let each log backup write a row to schema holdfast of a database, and count tables that never change; tried at once and taken back',
    access: { permission: 'manage-resources' },
    status: 200,
    params: resourceParams,
    body: z.object({
      /** Default: the database of the stored login. */
      database: z.string().min(1).max(63).exactOptional(),
      staticTables: z.array(z.string().max(200)).max(100).default([]),
    }),
    answer: canaryAnswer,
    serve: async ({ params, body }) => {
      const resource = await getResource(context.catalog, params.resource);
      const { id, name } = resource;
      const login = await findLogin(context.catalog, id);
      if (login === undefined) throw fail('login_absent', { instance: name });
      const database = body.database ?? login.database;
      const canary = { database, staticTables: body.staticTables.map(parseTableName) };
      await demandLiveNames(context, resource, [{ database }]);
      const inspection = { kind: 'canary' as const, instance: await instanceAccess(context, id), canary };
      await inspect(context, { hostId: hostOfResource(resource), inspection, answer: z.looseObject({}) });
      await storeCanary(context.catalog, id, canary);
      return { answer: await shown(context, id) };
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/resources/{resource}/canary',
    title: 'Write no canary any more; what is in the database stays',
    access: { permission: 'manage-resources' },
    status: 200,
    params: resourceParams,
    answer: canaryAnswer,
    serve: async ({ params }) => {
      const { id } = await getResource(context.catalog, params.resource);
      await removeCanary(context.catalog, id);
      return { answer: await shown(context, id) };
    },
  }),
];

async function shown({ catalog }: Context, asked: string): Promise<z.output<typeof canaryAnswer>> {
  const canary = await findCanary(catalog, (await getResource(catalog, asked)).id);
  return canary === undefined ? { isEnabled: false, staticTables: [] } : { isEnabled: true, ...mutable(canary) };
}

const mutable = ({ database, staticTables }: { database: string; staticTables: readonly string[] }) => ({
  ...{ database, staticTables: [...staticTables] },
});
