import { z } from 'zod';
import { getHost } from '#catalog/hosts.ts';
import { getPool } from '#catalog/pools/pools.ts';
import type { ResourceRow } from '#catalog/resources/resources.ts';
import {
  freeResourceName,
  getResource,
  hostOfResource,
  listResources,
  logPoolsOf,
  registerResource,
  removeLogPool,
  resourceShape,
  storeLogin,
  storePreflight,
} from '#catalog/resources/resources.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { discoveredInstanceShape, preflightShape } from '#core/settings/shape/host.ts';
import { idShape, nameShape, pathShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import { inspect } from '#api/pools/inspect.ts';
import { instanceAccess, loginOwner } from '#api/starts/orders.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { listShape, wholeList } from './words.ts';

export const resource = resourceShape.meta({ id: 'Resource' });
const preflight = preflightShape.meta({ id: 'PreflightReport' });
const resourceParams = z.object({ resource: z.string() });
const registerBody = z.object({
  host: z.string(),
  dataDirectory: pathShape,
  /** Of a resource without a host: the instance is that one, and its sets are its own again. */
  name: nameShape.optional(),
  isNew: z
    .boolean()
    .meta({ description: 'It is none of the resources that no host has, though it has the system id of one' })
    .default(false),
});
const loginBody = z.object({
  user: z.string().min(1).max(63),
  password: z.string().min(1).max(1000),
  database: z.string().min(1).max(63).optional(),
});
const loginAnswer = z.looseObject({ user: z.string(), isSuperuser: z.boolean() });

export { hostOfResource };

/** Throws `resource_not_logged_in` (K-064). */
export function demandLogin({ isLoggedIn, name }: ResourceRow): void {
  if (!isLoggedIn) throw fail('resource_not_logged_in', { resource: name });
}

export const resourceRoutes = (context: Context): Route[] => [
  ...readingRoutes(context),
  route({
    method: 'post',
    path: '/api/v1/resources',
    title: 'Register an instance that the agent finds on its host',
    access: { permission: 'manage-resources' },
    status: 201,
    body: registerBody,
    answer: resource,
    serve: async ({ body }) => {
      const answer = await register(context, body);
      return { answer, location: `/api/v1/resources/${answer.id}` };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/resources/{resource}/login',
    title: 'Log in to the instance; the password is checked by the agent, then stored sealed (K-064…K-070)',
    access: { permission: 'manage-resources' },
    status: 200,
    isSecret: true,
    params: resourceParams,
    body: loginBody,
    answer: resource,
    serve: async ({ params, body }) => ({ answer: await logIn(context, params.resource, body) }),
  }),
  route({
    method: 'post',
    path: '/api/v1/resources/{resource}/preflight',
    title: 'Check everything a backup of the instance needs',
    access: { permission: 'manage-resources' },
    status: 200,
    params: resourceParams,
    body: z.object({ archiveDirectory: pathShape.exactOptional() }).default({}),
    answer: preflight,
    serve: async ({ params, body }) => {
      const row = await getResource(context.catalog, params.resource);
      demandLogin(row);
      const instance = await instanceAccess(context, row.id);
      const inspection = { kind: 'preflight' as const, instance, ...body };
      const report = await inspect(context, { hostId: hostOfResource(row), inspection, answer: preflightShape });
      await storePreflight(context.catalog, row.id, report);
      return { answer: report };
    },
  }),
];

const readingRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/resources',
    title: 'Resources: database instances',
    access: { permission: 'read' },
    status: 200,
    answer: listShape(resource),
    serve: async () => wholeList(await listResources(context.catalog)),
  }),
  route({
    method: 'get',
    path: '/api/v1/resources/{resource}',
    title: 'One resource, by id or name',
    access: { permission: 'read' },
    status: 200,
    params: resourceParams,
    answer: resource,
    serve: async ({ params }) => ({ answer: await getResource(context.catalog, params.resource) }),
  }),
  route({
    method: 'get',
    path: '/api/v1/resources/{resource}/log-pools',
    title: 'Target pools of its log backup: an archived file is deleted only when all of them hold it (K-080)',
    access: { permission: 'read' },
    status: 200,
    params: resourceParams,
    answer: listShape(z.object({ id: idShape('pool'), name: z.string() })),
    serve: async ({ params }) => {
      const { id } = await getResource(context.catalog, params.resource);
      const pools = await Promise.all(
        (await logPoolsOf(context.catalog, id)).map((pool) => getPool(context.catalog, pool)),
      );
      return wholeList(pools.map(({ id: pool, name }) => ({ id: pool, name })));
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/resources/{resource}/log-pools/{pool}',
    title: 'Log of the resource no longer goes to this pool: archived files need not wait for it',
    access: { permission: 'manage-resources' },
    status: 204,
    params: z.object({ resource: z.string(), pool: z.string() }),
    serve: async ({ params }) => {
      const { id } = await getResource(context.catalog, params.resource);
      await removeLogPool(context.catalog, id, (await getPool(context.catalog, params.pool)).id);
      return { answer: undefined };
    },
  }),
];

async function register(context: Context, body: z.output<typeof registerBody>): Promise<ResourceRow> {
  const host = await getHost(context.catalog, body.host);
  const instances = await inspect(context, {
    hostId: host.id,
    inspection: { kind: 'discover' },
    answer: z.array(discoveredInstanceShape),
  });
  const found = instances.find((one) => one.dataDirectory === body.dataDirectory);
  if (found === undefined) throw fail('instance_not_found', { directory: body.dataDirectory, host: host.name });
  const name =
    body.name ?? (await freeResourceName(context.catalog, `${found.engine}-${host.name}-${String(found.port)}`));
  const id = await registerResource(context.catalog, {
    ...{ id: context.ids('res'), hostId: host.id, name, found },
    isNew: body.isNew,
  });
  return getResource(context.catalog, id);
}

async function logIn(context: Context, idOrName: string, given: z.output<typeof loginBody>): Promise<ResourceRow> {
  const row = await getResource(context.catalog, idOrName);
  const { engine, dataDirectory, socket, port, systemId } = row;
  const { user, password, database = engineProfile(engine).defaults.database } = given;
  const login = { user, password, database };
  const instance = { resourceId: row.id, engine, dataDirectory, socket, port, systemId, login };
  await inspect(context, { hostId: hostOfResource(row), inspection: { kind: 'login', instance }, answer: loginAnswer });
  await storeLogin(context.catalog, row.id, {
    user,
    database,
    sealedPassword: context.vault.seal(password, loginOwner(row.id)),
  });
  return getResource(context.catalog, row.id);
}
