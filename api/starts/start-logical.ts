import { z } from 'zod';
import { demandOwnData } from '#catalog/drills/drilled-copies.ts';
import type { LogicalSetRow } from '#catalog/logical-sets.ts';
import { demandLogicalUsable, getLogicalSet, readerOfLogicalSet } from '#catalog/logical-sets.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { getResource } from '#catalog/resources/resources.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { fail } from '#core/errors/fail.ts';
import type { SetId } from '#core/id.ts';
import { selectionText } from '#core/logical/selection.ts';
import type { LogicalTask } from '#core/logical/task.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import { keepShape, logicalBackupOptionsShape } from '#core/settings/logical-options.ts';
import { lockWaitShape, logicalSelectionShape } from '#core/settings/shape/logical.ts';
import type { Context } from '#api/context.ts';
import type { Caller } from '#api/http/route.ts';
import { maintainerOf } from '#api/routes/pools/pools.ts';
import { demandLogin, hostOfResource } from '#api/routes/resources.ts';
import { nameOf } from '#api/routes/words.ts';
import { demandLiveNames, namesOfSelection } from './demand-names.ts';
import { commonOfRun } from './start-backup.ts';
import { demandReach, startRun } from './start-run.ts';
import { cutText } from '#core/text.ts';

/** What a logical backup is asked for with; also the work of a job. */
export const logicalBody = z.object({
  ...commonOfRun,
  kind: z.literal('logical-backup'),
  resource: z.string(),
  pool: z.string(),
  selection: logicalSelectionShape.default({ of: 'all' }),
  lockWaitSeconds: lockWaitShape
    .meta({ description: 'seconds that a lock on a table is waited for before the run gives up' })
    .default(60),
  options: logicalBackupOptionsShape.prefault({}),
  keep: keepShape
    .meta({ description: 'how many sets of the job are wanted: `GET /logical-removals` shows what is behind them' })
    .exactOptional(),
});
export type LogicalBody = z.output<typeof logicalBody>;

/** What a logical backup would do, and where. Throws `resource_unknown`, `pool_not_found`, `pool_out_of_reach`, `resource_not_logged_in`, `resource_holds_copy`, `logical_database_missing`, `logical_selection_missing`. */
export async function prepareLogical(context: Context, body: LogicalBody) {
  const resource = await getResource(context.catalog, body.resource);
  const hostId = hostOfResource(resource);
  await demandOwnData(context.catalog, resource.id);
  const pool = await getPool(context.catalog, body.pool);
  demandReach(pool, hostId);
  demandLogin(resource);
  await demandLiveNames(context, resource, namesOfSelection(body.selection));
  const { reconnectMinutes, whenBusy, hooks, options, selection, lockWaitSeconds, keep } = body;
  const spec: JobSpecOf<'logical-backup'> = {
    ...{ kind: 'logical-backup', resourceId: resource.id, poolId: pool.id, options, reconnectMinutes, whenBusy },
    logical: { selection, lockWaitSeconds },
    ...(keep === undefined ? {} : { keep }),
    ...(hooks === undefined ? {} : { hooks }),
  };
  return { spec, hostId, resource, pool };
}

/** Records and starts a logical backup. Throws what `prepareLogical` throws. */
export async function startLogical(context: Context, body: LogicalBody, caller: Caller): Promise<RunRow> {
  const { spec, hostId, resource } = await prepareLogical(context, body);
  return startRun(context, {
    ...{ spec, hostId, resourceId: resource.id, setId: context.ids('set'), startedBy: nameOf(caller) },
    name: cutText(`logical backup of ${resource.name}: ${selectionText(body.selection)}`, 200),
  });
}

/** Reads a set back. Throws `logical_set_unknown`, `logical_set_going`. */
export async function startLogicalVerify(context: Context, id: SetId, caller: Caller): Promise<RunRow> {
  const set = await demandLogicalUsable(context.catalog, id);
  return startCare(context, { set, task: { does: 'verify', setId: id }, name: `verify ${id}`, caller });
}

/**
 * Deletes exactly the sets that were shown. Throws `logical_set_unknown`, `logical_set_in_use`,
 * `logical_sets_not_in_one_pool`.
 */
export async function startLogicalRemoval(context: Context, ids: readonly SetId[], caller: Caller): Promise<RunRow> {
  const sets = await Promise.all([...new Set(ids)].map((id) => getLogicalSet(context.catalog, id)));
  const [set, ...others] = sets;
  if (set === undefined) throw fail('request_invalid', { pointer: '/sets', reason: 'no set is named' });
  const elsewhere = others.find(({ poolId }) => poolId !== set.poolId);
  if (elsewhere !== undefined) throw fail('logical_sets_not_in_one_pool', { first: set.id, second: elsewhere.id });
  for (const { id } of sets) {
    const run = await readerOfLogicalSet(context.catalog, id);
    if (run !== undefined) throw fail('logical_set_in_use', { set: id, run });
  }
  const task = { does: 'remove' as const, sets: sets.map(({ id }) => id) };
  return startCare(context, { set, task, name: `remove ${String(sets.length)} logical sets`, caller });
}

interface Care {
  readonly set: LogicalSetRow;
  readonly task: LogicalTask;
  readonly name: string;
  readonly caller: Caller;
}

async function startCare(context: Context, { set, task, name, caller }: Care): Promise<RunRow> {
  const pool = await getPool(context.catalog, set.poolId);
  const hostId = maintainerOf(pool);
  const spec: JobSpecOf<'logical-care'> = {
    ...{ kind: 'logical-care', hostId, poolId: pool.id, task, limits: {}, reconnectMinutes: 10, whenBusy: 'wait' },
  };
  return startRun(context, { spec, hostId, resourceId: set.resourceId, name, startedBy: nameOf(caller) });
}
