import { z } from 'zod';
import { getHost, hostShape, listHosts } from '#catalog/hosts.ts';
import { resourceWithCopy } from '#catalog/drills/drilled-copies.ts';
import type { ResourceRow } from '#catalog/resources/resources.ts';
import { hostOfResource, listResources } from '#catalog/resources/resources.ts';
import { addEnrolmentToken } from '#catalog/tokens.ts';
import { discoveredInstanceShape } from '#core/settings/shape/host.ts';
import { idShape, instantShape, nameShape } from '#core/settings/shape/words.ts';
import { makeBearer } from '#api/http/bearer.ts';
import type { Context } from '../context.ts';
import { inspect } from '#api/pools/inspect.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
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
    isDrillTarget: z.boolean().meta({ description: 'Drills may replace it' }),
    copyOf: z.string().nullable().meta({ description: 'The resource whose data a drill put in its place' }),
    copyUntil: instantShape.nullable(),
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
      const known = (await listResources(context.catalog)).filter((one) => one.hostId === hostId);
      const rows: z.output<typeof found>[] = [];
      for (const instance of instances) rows.push(await foundAs(context, known, instance));
      return wholeList(rows);
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

/** What an instance is registered as. One in which a drill put a copy of another resource stays what it was before. */
async function foundAs(
  { catalog }: Context,
  known: readonly ResourceRow[],
  instance: z.output<typeof discoveredInstanceShape>,
): Promise<z.output<typeof found>> {
  const { dataDirectory, systemId } = instance;
  const none = { resourceId: null, resourceName: null, isDrillTarget: false, copyOf: null, copyUntil: null };
  const there = known.find((one) => one.dataDirectory === dataDirectory);
  if (there === undefined) return { instance, ...none };
  const { id: resourceId, name: resourceName, isDrillTarget, copyOf, copyUntil } = there;
  const own = { ...none, resourceId, resourceName, isDrillTarget };
  if (there.systemId === systemId) return { instance, ...own };
  const withCopy = await resourceWithCopy(catalog, { hostId: hostOfResource(there), dataDirectory, systemId });
  return withCopy === undefined ? { instance, ...none } : { instance, ...own, copyOf, copyUntil };
}
