import { z } from 'zod';
import { getRun } from '#catalog/runs/runs.ts';
import { fail } from '#core/errors/fail.ts';
import { isFinal } from '#core/run/run-state.ts';
import { hooksOfRunShape } from '#core/settings/hooks.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import { hooksOfRun } from '#api/starts/hooks-of-run.ts';
import { demandAssigned } from '#api/starts/orders.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';

/** What an agent asks about the scripts of its runs. */
export const hookAgentRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/agent/v1/hooks/{run}',
    title: 'Scripts of a run and what they are told, for the host it is assigned to (K-087, K-088)',
    access: 'host',
    status: 200,
    params: z.object({ run: idShape('run') }),
    answer: hooksOfRunShape,
    serve: async ({ params, caller }) => {
      if (caller.kind !== 'host') throw fail('host_key_refused', {});
      const run = await getRun(context.catalog, params.run);
      demandAssigned(run, params.run, caller.hostId, isFinal(run.state));
      return { answer: await hooksOfRun(context, run) };
    },
  }),
];
