import type { RunId } from '#core/id.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { Database } from '#catalog/database.ts';
import { openJobRun } from './job-runs.ts';
import { getJob } from '#catalog/jobs.ts';
import { getJobOfRun } from './jobs-of-runs.ts';
import type { RunRow } from './runs.ts';
import { addRunEvents, getRun } from './runs.ts';

interface Retry {
  readonly of: RunId;
  readonly startedBy: string;
  readonly ids: IdSource;
}

/** Records a run that tries another one again: of the same job, at the revision that the first one had. */
export async function openRetry(db: Database, { of, startedBy, ids }: Retry): Promise<RunRow> {
  const { id: jobId, spec, revision } = await getJobOfRun(db, of);
  const { id } = await openJobRun(db, { ...(await getJob(db, jobId)), spec, revision }, ids, { startedBy });
  await db.change(`update run set trigger = 'retry', retry_of = $2 where id = $1`, [id, of]);
  await addRunEvents(db, id, [{ level: 'info', message: `tries ${of} again` }]);
  await addRunEvents(db, of, [{ level: 'info', message: `${startedBy} tries it again as ${id}` }]);
  return getRun(db, id);
}
