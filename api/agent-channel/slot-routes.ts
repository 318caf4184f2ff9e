import { z } from 'zod';
import type { RunRow } from '#catalog/runs/runs.ts';
import { getRun } from '#catalog/runs/runs.ts';
import { keepSlot, newestStreamState } from '#catalog/resources/stream-slots.ts';
import { fail } from '#core/errors/fail.ts';
import type { ResourceId, RunId } from '#core/id.ts';
import type { SlotVerdict } from '#core/log/left-slot.ts';
import { isFinal } from '#core/run/run-state.ts';
import { slotToldShape, slotVerdictShape } from '#core/settings/shape/left-slot.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import { demandAssigned, instanceAccess } from '#api/starts/orders.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';

const params = z.object({ run: idShape('run') });

/** What hosts ask and tell of replication slots that ended streams of log left. */
export const slotAgentRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/agent/v1/runs/{run}/slot',
    title:
      'What shall become of the slot that a stream of log of this host may have left, and how its instance is reached',
    access: 'host',
    status: 200,
    params,
    answer: slotVerdictShape,
    serve: async ({ params: { run }, caller }) => {
      const { resourceId } = await streamOf(context, run, caller);
      return { answer: await verdictOn(context, resourceId) };
    },
  }),
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/slot',
    title: 'Tell what is there of the slot of an ended stream of log; idempotent',
    access: 'host',
    status: 204,
    params,
    body: slotToldShape,
    serve: async ({ params: { run }, body, caller }) => {
      const { resourceId } = await streamOf(context, run, caller);
      await keepSlot(context.catalog, resourceId, run, body);
      return { answer: undefined };
    },
  }),
];

/** Throws `order_refused` when it is no stream of this host. */
async function streamOf(
  { catalog }: Context,
  id: RunId,
  caller: Caller,
): Promise<RunRow & { readonly resourceId: ResourceId }> {
  if (caller.kind !== 'host') throw fail('host_key_refused', {});
  const run = await getRun(catalog, id);
  const { resourceId } = run;
  demandAssigned(run, id, caller.hostId, run.kind !== 'log-stream');
  if (resourceId === null) throw fail('order_refused', { run: id, host: caller.hostId });
  return { ...run, resourceId };
}

/** The last word counts: of the newest stream of the resource, whichever run made the slot. */
async function verdictOn(context: Context, resourceId: ResourceId): Promise<SlotVerdict> {
  const state = await newestStreamState(context.catalog, resourceId);
  if (state === undefined || !isFinal(state)) return { verdict: 'wait' };
  const verdict = state === 'cancelled' ? 'drop' : 'keep';
  const instance = await instanceAccess(context, resourceId);
  return instance.login === undefined ? { verdict } : { verdict, instance };
}
