import { z } from 'zod';
import { getRun, specOfRun } from '#catalog/runs/runs.ts';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import { isFinal } from '#core/run/run-state.ts';
import { scrubNextShape, scrubToldShape } from '#core/settings/shape/scrub.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import { demandAssigned } from '#api/starts/orders.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import type { Scrub } from '#api/pools/scrub.ts';
import { nextToScrub, tellScrubbed } from '#api/pools/scrub.ts';

const runParams = z.object({ run: idShape('run') });

/** What an agent asks and tells while it reads a pool back. */
export const scrubAgentRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/scrub-next',
    title: 'What a scrub looks at next; it is leased to the run until it asks again',
    access: 'host',
    status: 200,
    params: runParams,
    answer: scrubNextShape,
    serve: async ({ params, caller }) => ({
      answer: await nextToScrub(context, await scrubOf(context, params.run, caller)),
    }),
  }),
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/scrubbed',
    title: 'Tell what a scrub found in a set or a batch of log; idempotent',
    access: 'host',
    status: 204,
    params: runParams,
    body: scrubToldShape,
    serve: async ({ params, body, caller }) => {
      await tellScrubbed(context, await scrubOf(context, params.run, caller), body);
      return { answer: undefined };
    },
  }),
];

/** The scrub that a host works on. Throws `order_refused`. */
async function scrubOf({ catalog }: Context, id: RunId, caller: Caller): Promise<Scrub> {
  if (caller.kind !== 'host') throw fail('host_key_refused', {});
  const run = await getRun(catalog, id);
  demandAssigned(run, id, caller.hostId, isFinal(run.state));
  const spec = await specOfRun(catalog, id);
  if (spec.kind !== 'care' || spec.care.does !== 'scrub') throw fail('order_refused', { run: id, host: run.hostId });
  return { run, poolId: spec.poolId, care: spec.care };
}
