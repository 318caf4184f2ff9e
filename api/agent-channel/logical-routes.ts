import { z } from 'zod';
import { claimLogicalSet, indexLogicalSet, recordLogicalRemoval, recordLogicalVerify } from '#catalog/logical-sets.ts';
import { getRun, specOfRun, tellOfLateSet } from '#catalog/runs/runs.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId, RunId } from '#core/id.ts';
import { isFinal } from '#core/run/run-state.ts';
import { claimVerdictShape } from '#core/settings/shape/care.ts';
import { logicalSetSummaryShape } from '#core/settings/shape/logical.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import { demandAssigned } from '#api/starts/orders.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { poolToldOf } from './pool-told-of.ts';

const runParams = z.object({ run: idShape('run') });
const setBody = z.object({ setId: idShape('set') });

/** What hosts tell of logical sets: that they are committed, gone, sound or damaged. */
export const logicalAgentRoutes = (context: Context): Route[] => [
  indexRoute(context),
  ...removalRoutes(context),
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/logical-verdicts',
    title: 'Tell what reading a logical set back found; idempotent',
    access: 'host',
    status: 204,
    params: runParams,
    body: z.object({ setId: idShape('set'), damage: z.string().max(2000).nullable() }),
    serve: async ({ params, body, caller }) => {
      const { poolId } = await careOf(context, params.run, caller);
      await recordLogicalVerify(context.catalog, poolId, body);
      return { answer: undefined };
    },
  }),
];

const indexRoute = (context: Context): Route =>
  route({
    method: 'put',
    path: '/agent/v1/logical-sets/{id}',
    title: 'Index a committed logical set; idempotent',
    access: 'host',
    status: 204,
    params: z.object({ id: idShape('set') }),
    query: z.object({ teller: idShape('run').exactOptional() }),
    body: logicalSetSummaryShape,
    serve: async ({ params, query, body, caller }) => {
      if (params.id !== body.setId)
        throw fail('request_invalid', { pointer: '/', reason: `the path names ${params.id}, the body ${body.setId}` });
      const { runId, systemId, setId: object } = body;
      const pool = await poolToldOf(context.catalog, { hostId: hostOf(caller), runId, systemId, object, ...query });
      await tellOfLateSet(context.catalog, body.runId);
      await indexLogicalSet(context.catalog, body, pool);
      return { answer: undefined };
    },
  });

const removalRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/logical-claims',
    title: 'Ask whether a logical set may be deleted now; when it may, nobody begins to read it any more',
    access: 'host',
    status: 200,
    params: runParams,
    body: setBody,
    answer: claimVerdictShape,
    serve: async ({ params, body, caller }) => ({
      answer: await claimLogicalSet(context.catalog, await careOf(context, params.run, caller), body.setId),
    }),
  }),
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/logical-removals',
    title: 'Tell what became of a logical set that was claimed; idempotent',
    access: 'host',
    status: 204,
    params: runParams,
    body: setBody.extend({ isGone: z.boolean() }),
    serve: async ({ params, body, caller }) => {
      await recordLogicalRemoval(context.catalog, await careOf(context, params.run, caller), body);
      return { answer: undefined };
    },
  }),
];

const hostOf = (caller: Caller): HostId => {
  if (caller.kind === 'host') return caller.hostId;
  throw fail('host_key_refused', {});
};

/** The run that a host works on. Throws `order_refused`. */
async function careOf({ catalog }: Context, id: RunId, caller: Caller) {
  const run = await getRun(catalog, id);
  demandAssigned(run, id, hostOf(caller), isFinal(run.state));
  const spec = await specOfRun(catalog, id);
  if (spec.kind !== 'logical-care') throw fail('order_refused', { run: id, host: run.hostId });
  return { runId: id, poolId: spec.poolId };
}
