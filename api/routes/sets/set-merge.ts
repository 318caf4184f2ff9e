import { z } from 'zod';
import { getPool } from '#catalog/pools/pools.ts';
import { fail } from '#core/errors/fail.ts';
import { instantFromMs } from '#core/instant.ts';
import { channelsField, compressionShape, reconnectField, resumeBufferField } from '#core/settings/backup-options.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import { rateLimitsShape } from '#core/settings/shape/progress.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '#api/context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { poolAsked, poolQueryShape } from '#api/pools/set-in-pool.ts';
import { withChain } from '#api/pools/set-chain.ts';
import { startRun } from '#api/starts/start-run.ts';
import { maintainerOf } from '#api/routes/pools/pools.ts';
import { runAnswer } from '#api/routes/runs/runs.ts';
import { nameOf } from '#api/routes/words.ts';

const mergeBody = z.object({
  name: z.string().min(1).max(2000).exactOptional(),
  channels: channelsField.default(1),
  compression: compressionShape.default({ mode: 'fast' }),
  limits: rateLimitsShape.default({}),
  resumeBufferBytes: resumeBufferField.exactOptional(),
  reconnectMinutes: reconnectField.default(10),
});

/** Synthetic fulls. */
export const setMergeRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/backup-sets/{set}/merge',
    title: 'Make one full of an incremental and all it builds on, from the pool alone',
    access: { permission: 'run-backups' },
    status: 202,
    params: z.object({ set: idShape('set') }),
    query: poolQueryShape,
    body: mergeBody.prefault({}),
    answer: runAnswer,
    serve: async ({ params, query, body, caller }) => {
      const { pool } = await poolAsked(context.catalog, query);
      const { id, poolId, resourceId, summary, unusable } = await withChain(context.catalog, params.set, pool);
      if (summary.base === undefined) throw fail('set_not_incremental', { set: id });
      if (unusable !== undefined) throw fail('set_merge_unusable', { set: id, reason: unusable });
      const hostId = maintainerOf(await getPool(context.catalog, poolId));
      const setId = context.ids('set');
      const startedBy = nameOf(caller);
      const { name: text, ...rest } = body;
      const at = instantFromMs(context.clock.nowMs());
      const named = { markId: context.ids('mark'), setId, kind: 'name' as const, at, by: startedBy };
      const spec: JobSpecOf<'merge-set'> = {
        ...{ kind: 'merge-set', hostId, poolId, from: id, whenBusy: 'wait' },
        ...rest,
        ...(text === undefined ? {} : { name: { ...named, text } }),
      };
      const run = await startRun(context, { spec, hostId, resourceId, setId, name: `merge of ${id}`, startedBy });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];
