import { z } from 'zod';
import { getHost, hostShape, listHosts } from '#catalog/hosts.ts';
import { listResources } from '#catalog/resources.ts';
import { addEnrolmentToken } from '#catalog/tokens.ts';
import { discoveredInstanceShape } from '#core/settings/shape/host.ts';
import { idShape, instantShape, nameShape } from '#core/settings/shape/words.ts';
import { makeBearer } from '../bearer.ts';
import type { Context } from '../context.ts';
import { inspect } from '../inspect.ts';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { listShape, wholeList } from './words.ts';

const host = hostShape.meta({ id: 'Host' });
const tokenBody = z.object({
  hostName: nameShape.optional(),
  validMinutes: z.number().int().min(1).max(1440).default(60),
});
const tokenAnswer = z.object({ token: z.string(), expiresAt: instantShape });
const found = z
  .object({
    instance: discoveredInstanceShape,
    resourceId: idShape('res').nullable(),
    resourceName: z.string().nullable(),
  })
  .meta({ id: 'FoundInstance' });
const hostParams = z.object({ host: z.string() });

export const hostRoutes = (context: Context): Route[] => [
  ...readingRoutes(context),
  route({
    method: 'post',
    path: '/api/v1/hosts/enrolment-tokens',
    title: 'Make a token that enrols one host, once (K-007)',
    access: { permission: 'manage-hosts' },
    status: 201,
    isSecret: true,
    body: tokenBody,
    answer: tokenAnswer,
    serve: async ({ body }) => {
      const id = context.ids('tok');
      const { text, sha256 } = makeBearer('hfe', id);
      const named = body.hostName === undefined ? {} : { hostName: body.hostName };
      const expiresAt = await addEnrolmentToken(context.catalog, {
        id,
        sha256,
        validMinutes: body.validMinutes,
        ...named,
      });
      return { answer: { token: text, expiresAt } };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/hosts/{host}/discover',
    title: 'Ask the agent which database instances its host has',
    access: { permission: 'manage-resources' },
    status: 200,
    params: hostParams,
    answer: listShape(found),
    serve: async ({ params }) => {
      const { id: hostId } = await getHost(context.catalog, params.host);
      const instances = await inspect(context, {
        hostId,
        inspection: { kind: 'discover' },
        answer: z.array(discoveredInstanceShape),
      });
      const known = await listResources(context.catalog);
      return wholeList(
        instances.map((instance) => {
          const resource = known.find(
            (one) =>
              one.hostId === hostId &&
              one.dataDirectory === instance.dataDirectory &&
              one.systemId === instance.systemId,
          );
          return { instance, resourceId: resource?.id ?? null, resourceName: resource?.name ?? null };
        }),
      );
    },
  }),
];

const readingRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/hosts',
    title: 'Hosts with version, disks and instances',
    access: { permission: 'read' },
    status: 200,
    answer: listShape(host),
    serve: async () => wholeList(await listHosts(context.catalog)),
  }),
  route({
    method: 'get',
    path: '/api/v1/hosts/{host}',
    title: 'One host, by id or name',
    access: { permission: 'read' },
    status: 200,
    params: hostParams,
    answer: host,
    serve: async ({ params }) => ({ answer: await getHost(context.catalog, params.host) }),
  }),
];
