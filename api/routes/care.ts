import { z } from 'zod';
import type { SetRow } from '#catalog/backup-sets.ts';
import { claimOnSet } from '#catalog/pools/leases.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { indexMarks, marksOf } from '#catalog/pools/set-marks.ts';
import type { NewMark } from '#core/care/mark.ts';
import { markKinds } from '#core/care/mark.ts';
import type { Permission } from '#core/access/permission.ts';
import { fail } from '#core/errors/fail.ts';
import { instantFromMs } from '#core/instant.ts';
import { markShape } from '#core/settings/shape/care.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import { demand } from '#core/access/permission.ts';
import type { Context } from '../context.ts';
import { inspect } from '#api/pools/inspect.ts';
import { poolAccess } from '#api/starts/orders.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { poolQueryShape, setAsked } from '#api/pools/set-in-pool.ts';
import { startRun } from '#api/starts/start-run.ts';
import { maintainerOf } from './pools/pools.ts';
import { runAnswer } from './runs/runs.ts';
import { listShape, nameOf, wholeList } from './words.ts';

const mark = markShape.meta({ id: 'Mark' });
const setParams = z.object({ set: idShape('set') });
const markBody = z.object({
  kind: z.enum(markKinds),
  text: z.string().max(2000).default(''),
  until: instantShape.exactOptional(),
});
type MarkBody = z.output<typeof markBody>;

/** Who may say what: a legal hold and a quarantine, and their end, are an administrator's word. */
const permissionFor = (kind: MarkBody['kind']): Permission =>
  kind === 'hold' || kind === 'release' || kind === 'unquarantine' ? 'manage-pools' : 'run-backups';

export const careRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/backup-sets/{set}/marks',
    title: 'Marks of a set: pins, holds, quarantine, names and labels, in the order they were made',
    access: { permission: 'read' },
    status: 200,
    params: setParams,
    query: poolQueryShape,
    answer: listShape(mark),
    serve: async ({ params, query }) => {
      const { id, poolId } = await setAsked(context.catalog, params.set, query);
      return wholeList(await marksOf(context.catalog, id, poolId));
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/backup-sets/{set}/marks',
    title: 'Mark a set; the mark is an append-only object in its pool and survives the catalog',
    access: { permission: 'run-backups' },
    status: 201,
    params: setParams,
    query: poolQueryShape,
    body: markBody,
    answer: listShape(mark),
    serve: async ({ params, query, body, caller }) => {
      const row = await setAsked(context.catalog, params.set, query);
      return wholeList(await markSet(context, row, { body, caller }));
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/pools/{pool}/gc',
    title: 'Collect what attempts that never committed left in a pool, or only look',
    access: { permission: 'manage-pools' },
    status: 202,
    params: z.object({ pool: z.string() }),
    body: z.object({ isDryRun: z.boolean(), graceHours: z.number().int().min(1).max(8760).default(24) }),
    answer: runAnswer,
    serve: async ({ params, body, caller }) => {
      const pool = await getPool(context.catalog, params.pool);
      const hostId = maintainerOf(pool);
      const care = { does: 'collect' as const, ...body };
      const what = { kind: 'care' as const, hostId, poolId: pool.id, care };
      const spec = { ...what, reconnectMinutes: 10, whenBusy: 'wait' as const };
      const run = await startRun(context, {
        spec,
        hostId,
        name: `leftovers of ${pool.name}`,
        startedBy: nameOf(caller),
      });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

interface Marking {
  readonly body: MarkBody;
  readonly caller: Caller;
}

/** The mark goes to the pool first; a set whose deletion was claimed before the index knew of the mark is told as lost. */
async function markSet(context: Context, row: SetRow, { body, caller }: Marking) {
  const { id: setId } = row;
  if (caller.kind === 'token') demand(caller.role, permissionFor(body.kind));
  await demandUnclaimed(context, row);
  const pool = await getPool(context.catalog, row.poolId);
  const at = instantFromMs(context.clock.nowMs());
  const asked: NewMark = { markId: context.ids('mark'), setId, at, by: nameOf(caller), ...body };
  const inspection = { kind: 'mark-set' as const, pool: await poolAccess(context, pool.id), mark: asked };
  const answer = z.looseObject({ marks: z.array(markShape) });
  const { marks } = await inspect(context, { hostId: maintainerOf(pool), inspection, answer });
  await context.catalog.transaction(async (db) => {
    await demandUnclaimed({ catalog: db }, row);
    await indexMarks(db, pool.id, marks);
  });
  return marks;
}

async function demandUnclaimed(
  { catalog }: { readonly catalog: Parameters<typeof claimOnSet>[0] },
  { id: setId, poolId }: SetRow,
): Promise<void> {
  const run = await claimOnSet(catalog, setId, poolId);
  if (run !== undefined) throw fail('set_being_deleted', { set: setId, run });
}
