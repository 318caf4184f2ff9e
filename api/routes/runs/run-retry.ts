import { keepRun } from '#catalog/runs/idempotency-keys.ts';
import { openRetry } from '#catalog/runs/retries.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { getRun, specOfRun } from '#catalog/runs/runs.ts';
import { demand } from '#core/access/permission.ts';
import { fail } from '#core/errors/fail.ts';
import { isFinal } from '#core/run/run-state.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import type { Context } from '#api/context.ts';
import { keyOfRequest } from '#api/http/idempotency.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { reasonOfReplaced } from '#api/starts/replaced.ts';
import { handToTemporal } from '#api/starts/start-run.ts';
import { runAnswer, runParams } from './runs.ts';
import { nameOf } from '#api/routes/words.ts';

export const runRetryRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/runs/{run}/retry',
    title: 'Try a run that is over again: a new run of its job, as the job was then',
    access: { permission: 'run-backups' },
    status: 202,
    params: runParams,
    answer: runAnswer,
    serve: async ({ params, caller }) => {
      const run = await retry(context, await getRun(context.catalog, params.run), caller);
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

/** Throws `run_still_open`, `run_not_repeatable`, `permission_denied`. */
async function retry(context: Context, run: RunRow, caller: Caller): Promise<RunRow> {
  const { catalog, ids } = context;
  const spec = await specOfRun(catalog, run.id);
  demandRight(spec, caller);
  if (!isFinal(run.state)) throw fail('run_still_open', { run: run.id, state: run.state });
  const reason = reasonAgainst(spec) ?? (await reasonOfReplaced(catalog, run, spec));
  if (reason !== undefined) throw fail('run_not_repeatable', { run: run.id, kind: run.kind, reason });
  const opened = await catalog.transaction(async (db) => {
    const made = await openRetry(db, { of: run.id, startedBy: nameOf(caller), ids });
    const key = keyOfRequest();
    if (key !== undefined) await keepRun(db, key, made.id);
    return made;
  });
  await handToTemporal(context, opened.id, opened.kind);
  return getRun(catalog, opened.id);
}

/** Kinds that write databases or files of others than the pool need the right to restore. */
const restoring: readonly JobSpec['kind'][] = [
  ...(['restore', 'extract-set', 'log-restore', 'drill'] as const),
  ...(['database-recovery', 'logical-restore', 'settle-transfer'] as const),
];

function demandRight({ kind }: JobSpec, caller: Caller): void {
  if (caller.kind === 'token' && restoring.includes(kind)) demand(caller.role, 'run-restores');
}

/** Why a run cannot be repeated from what its job says; undefined when it can. */
function reasonAgainst(spec: JobSpec): string | undefined {
  if (spec.kind === 'care' && spec.care.does === 'plan') return 'a plan is executed once';
  if (spec.kind === 'merge-set') return 'the set that it makes was named by its first run';
  return undefined;
}
