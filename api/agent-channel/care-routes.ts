import { z } from 'zod';
import { indexDeletionNote } from '#catalog/pools/deleted-log.ts';
import { claimDeletion, recordDeletion } from '#catalog/pools/deletions.ts';
import type { Claimant } from '#catalog/pools/deletions.ts';
import { getRun, openMergeOf, openRebuildOf, specOfRun } from '#catalog/runs/runs.ts';
import { indexMarks } from '#catalog/pools/set-marks.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId, PoolId, RunId, SetId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import { isFinal } from '#core/run/run-state.ts';
import {
  claimVerdictShape,
  deletionClaimShape,
  deletionToldShape,
  markShape,
  truncationNoteShape,
} from '#core/settings/shape/care.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import { demandAssigned } from '#api/starts/orders.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { poolOfTelling } from './pool-told-of.ts';

const runParams = z.object({ run: idShape('run') });

/** What an agent asks and tells while it deletes, and the marks that it finds in a pool. */
export const careAgentRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/deletion-claims',
    title: 'Ask whether something may be deleted now; when it may, nobody begins to read it any more',
    access: 'host',
    status: 200,
    params: runParams,
    body: deletionClaimShape,
    answer: claimVerdictShape,
    serve: async ({ params, body, caller }) => ({
      answer: await claimDeletion(context.catalog, await claimantOf(context, params.run, caller), body),
    }),
  }),
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/deletions',
    title: 'Tell how far a deletion is; idempotent',
    access: 'host',
    status: 204,
    params: runParams,
    body: deletionToldShape,
    serve: async ({ params, body, caller }) => {
      await recordDeletion(context.catalog, await claimantOf(context, params.run, caller), body);
      return { answer: undefined };
    },
  }),
  ...sideRoutes(context),
];

/** Marks and notes that lie beside sets and log. */
const sideRoutes = (context: Context): Route[] => [
  route({
    method: 'put',
    path: '/agent/v1/marks/{set}/{seq}',
    title: 'Index a mark that the pool holds; idempotent',
    access: 'host',
    status: 204,
    params: z.object({ set: idShape('set'), seq: z.coerce.number().int().min(1) }),
    query: z.object({ teller: idShape('run').exactOptional() }),
    body: markShape,
    serve: async ({ params, query, body, caller }) => {
      if (params.set !== body.setId || params.seq !== body.seq)
        throw fail('request_invalid', {
          pointer: '/',
          reason: `the path names mark ${String(params.seq)} of ${params.set}`,
        });
      await indexMarks(
        context.catalog,
        await poolOfMark(context, { setId: body.setId, hostId: hostOf(caller), ...query }),
        [body],
      );
      return { answer: undefined };
    },
  }),
  route({
    method: 'put',
    path: '/agent/v1/truncations/{note}',
    title: 'Index what plans deleted of the log of a pool, as its notes say; only while the catalog is rebuilt from it',
    access: 'host',
    status: 204,
    params: z.object({ note: idShape('mark') }),
    body: truncationNoteShape,
    serve: async ({ body, caller }) => {
      const { catalog } = context;
      const run = await openRebuildOf(catalog, hostOf(caller));
      const spec = run === undefined ? undefined : await specOfRun(catalog, run.id);
      if (spec?.kind !== 'rebuild') throw fail('pool_of_set_unknown', { object: body.noteId });
      await indexDeletionNote(catalog, body, spec.poolId);
      return { answer: undefined };
    },
  }),
];

interface MarkTold {
  readonly setId: SetId;
  readonly hostId: HostId;
  readonly teller?: RunId;
}

/**
 * The pool into which the teller copies the set; that of the merge that makes this set on the host, which names it; else the
 * one that the host rebuilds from.
 */
async function poolOfMark({ catalog }: Context, { setId, hostId, ...told }: MarkTold): Promise<PoolId> {
  const copied = await poolOfTelling(catalog, { hostId, ...told });
  if (copied !== undefined) return copied;
  const run = (await openMergeOf(catalog, hostId, setId)) ?? (await openRebuildOf(catalog, hostId));
  const spec = run === undefined ? undefined : await specOfRun(catalog, run.id);
  if (spec?.kind !== 'rebuild' && spec?.kind !== 'merge-set') throw fail('pool_of_set_unknown', { object: setId });
  return spec.poolId;
}

const hostOf = (caller: Caller): HostId => {
  if (caller.kind === 'host') return caller.hostId;
  throw fail('host_key_refused', {});
};

/** The care run that a host works on. Throws `order_refused`. */
async function claimantOf({ catalog, clock }: Context, id: RunId, caller: Caller): Promise<Claimant> {
  const run = await getRun(catalog, id);
  demandAssigned(run, id, hostOf(caller), isFinal(run.state));
  const spec = await specOfRun(catalog, id);
  if (spec.kind !== 'care') throw fail('order_refused', { run: id, host: run.hostId });
  return { runId: id, poolId: spec.poolId, now: instantFromMs(clock.nowMs()) };
}
