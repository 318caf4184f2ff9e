import { z } from 'zod';
import { getHost } from '#catalog/hosts.ts';
import type { PoolRow } from '#catalog/pools/pools.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId } from '#core/id.ts';
import { reconnectField } from '#core/settings/backup-options.ts';
import { rateLimitsShape } from '#core/settings/shape/progress.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '#api/context.ts';
import { copyTask } from '#api/starts/copy-task.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { canReach, demandReach, startRun } from '#api/starts/start-run.ts';
import { runAnswer } from '#api/routes/runs/runs.ts';
import { nameOf } from '#api/routes/words.ts';

export const copyBody = z.object({
  /** Pool that gets the copies, by id or name. */
  to: z.string(),
  /** Each goes with all that it builds on. */
  sets: z.array(idShape('set')).max(1000).default([]),
  /** Every good set that the target does not have. */
  all: z.boolean().default(false),
  /** The log of the databases of the named sets, else of all. */
  log: z.boolean().default(false),
  /** Host that copies; one that reaches both pools when absent. */
  host: z.string().optional(),
  limits: rateLimitsShape.default({}),
  reconnectMinutes: reconnectField.default(10),
});
type CopyBody = z.output<typeof copyBody>;

export const poolCopyRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/pools/{pool}/copies',
    title: 'Copy sets and log of a pool to another one without the database; what is there is not sent again (K-005)',
    access: { permission: 'run-backups' },
    status: 202,
    params: z.object({ pool: z.string() }),
    body: copyBody,
    answer: runAnswer,
    serve: async ({ params, body, caller }) => {
      const { spec, from, to } = await prepareCopy(context, params.pool, body);
      const { hostId } = spec;
      const name = `copy of ${from.name} to ${to.name}`;
      const run = await startRun(context, { spec, hostId, name, startedBy: nameOf(caller) });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

/** What a copy would do, and on which host. Refuses a set that cannot be copied; a run decides again when it begins. */
export async function prepareCopy(context: Context, pool: string, body: CopyBody) {
  const [from, to] = [await getPool(context.catalog, pool), await getPool(context.catalog, body.to)];
  demandSense(from, to, body);
  const hostId = await hostOf(context, { from, to, host: body.host });
  const { sets, all: isAll, log: isWithLog, limits, reconnectMinutes } = body;
  const wish = { sets, isAll, isWithLog };
  await copyTask(context, { poolId: from.id, toPoolId: to.id, ...wish });
  const what = { kind: 'pool-copy' as const, hostId, poolId: from.id, toPoolId: to.id, ...wish, limits };
  return { spec: { ...what, reconnectMinutes, whenBusy: 'wait' as const }, from, to };
}

function demandSense(from: PoolRow, to: PoolRow, { sets, all, log }: CopyBody): void {
  if (from.id === to.id) throw fail('copy_same_pool', { pool: from.name });
  if (sets.length === 0 && !all && !log) throw fail('copy_nothing', { pool: from.name });
}

interface HostQuestion {
  readonly from: PoolRow;
  readonly to: PoolRow;
  readonly host: string | undefined;
}

/** The named host, else a maintenance host of the target or of the source that reaches both. */
async function hostOf({ catalog }: Context, { from, to, host }: HostQuestion): Promise<HostId> {
  if (host !== undefined) {
    const { id } = await getHost(catalog, host);
    for (const pool of [from, to]) demandReach(pool, id);
    return id;
  }
  const found = [...to.maintenanceHosts, ...from.maintenanceHosts].find((id) => canReach(from, id) && canReach(to, id));
  if (found === undefined) throw fail('copy_no_host', { from: from.name, to: to.name });
  return found;
}
