import { z } from 'zod';
import type { JobId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { missedKey } from './missed-runs.ts';

/** A time of the plan of a job. */
export interface DueRun {
  readonly jobId: JobId;
  readonly due: Instant;
}

const dueShape = z.object({ jobId: idShape('job'), due: instantShape });

/** Those for which no run is recorded and nobody was told that none will begin. */
export const openDueRuns = async (db: Database, dues: readonly DueRun[]): Promise<DueRun[]> =>
  dues.length === 0
    ? []
    : db.rows(
        dueShape,
        `select w.job as "jobId", w.due from unnest($1::text[], $2::timestamptz[], $3::text[]) as w (job, due, key)
         where not exists (select from run r where r.job_id = w.job and r.scheduled_for = w.due)
           and not exists (select from event e where e.key = w.key)`,
        [dues.map(({ jobId }) => jobId), dues.map(({ due }) => due), dues.map(missedKey)],
      );
