import { z } from 'zod';
import type { Context } from '../context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';

/** What an agent asks when it meets a payload that a newer key sealed. */
export const payloadKeyRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/agent/v1/payload-keys',
    title: 'Payload keys for an enrolled host, the one that seals first',
    access: 'host',
    status: 200,
    isSecret: true,
    answer: z.object({ keys: z.array(z.string()) }),
    serve: () => Promise.resolve({ answer: { keys: context.payloadKeys.all() } }),
  }),
];
