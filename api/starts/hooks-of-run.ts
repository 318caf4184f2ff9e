import { getJobOfRun } from '#catalog/runs/jobs-of-runs.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { specOfRun } from '#catalog/runs/runs.ts';
import type { HooksOfRun } from '#core/hooks/hook.ts';
import type { Context } from '#api/context.ts';

/** The scripts of a run and what they are told of it. */
export async function hooksOfRun({ catalog }: Context, run: RunRow): Promise<HooksOfRun> {
  const { hooks = {} } = await specOfRun(catalog, run.id);
  const { id: runId, hostId, jobId, kind, resourceName, setId } = run;
  const { name: jobName } = await getJobOfRun(catalog, runId);
  const facts = {
    ...{ runId, hostId, jobId, jobName, kind },
    ...(resourceName === null ? {} : { resource: resourceName }),
    ...(setId === null ? {} : { setId }),
  };
  return { hooks, facts };
}
