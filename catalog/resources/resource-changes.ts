import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { ResourceId } from '#core/id.ts';
import { countShape, idShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { openDrillTo } from '#catalog/drills/drill-targets.ts';
import { forgetCopies } from '#catalog/drills/drilled-copies.ts';
import { demandFreeName, getResource } from './resources.ts';

/** Gives a resource another name; the same one is fine. Throws `resource_unknown`, `name_taken`. */
export function renameResource(db: Database, id: ResourceId, name: string): Promise<void> {
  return db.transaction(async (inside) => {
    await inside.change('select 1 from resource where id = $1 for update', [id]);
    const { name: former } = await getResource(inside, id);
    if (former === name) return;
    await demandFreeName(inside, name);
    await inside.change('update resource set name = $2 where id = $1', [id, name]);
  });
}

/** What stays of a resource that was removed. */
export const removedResourceShape = z.object({
  id: idShape('res'),
  name: z.string(),
  /** Backup sets and log batches that stay in their pools and in the catalog. */
  sets: countShape,
  batches: countShape,
  /** False while sets or log are known: its row stays without host and login, so that they can be restored. */
  isForgotten: z.boolean(),
  /** Names of enabled jobs that work with the instance: until it is registered again, each time of their plans is told as missed or fails. */
  jobs: z.array(z.string()),
});
export type RemovedResource = z.output<typeof removedResourceShape>;

/**
 * Takes a resource from its host: login and log targets go, sets and log stay. Registering the instance again adopts
 * them. The lock on its row keeps a run from being recorded meanwhile. Throws `resource_unknown`, `resource_busy`.
 */
export function removeResource(db: Database, id: ResourceId): Promise<RemovedResource> {
  return db.transaction(async (inside) => {
    await inside.change('select 1 from resource where id = $1 for update', [id]);
    const { name } = await getResource(inside, id);
    await demandIdle(inside, id, name);
    const [kept = { sets: 0, batches: 0 }] = await inside.rows(
      z.object({ sets: countShape, batches: countShape }),
      `select (select count(*)::int from backup_set where resource_id = $1)
           + (select count(*)::int from logical_set where resource_id = $1) as sets,
         (select count(*)::int from log_batch where resource_id = $1) as batches`,
      [id],
    );
    const jobs = await enabledJobsOf(inside, id);
    await inside.change('delete from resource_login where resource_id = $1', [id]);
    await inside.change('delete from resource_log_pool where resource_id = $1', [id]);
    await inside.change('delete from drill_target where resource_id = $1', [id]);
    await forgetCopies(inside, id);
    const isForgotten = kept.sets + kept.batches === 0;
    if (isForgotten) await forget(inside, id);
    else
      await inside.change('update resource set host_id = null, preflight = null, preflight_at = null where id = $1', [
        id,
      ]);
    return { id, name, ...kept, isForgotten, jobs };
  });
}

async function demandIdle(db: Database, id: ResourceId, name: string): Promise<void> {
  const open = await db.rows(
    z.object({ id: idShape('run') }),
    "select id from run where resource_id = $1 and state in ('queued', 'running', 'paused') order by id",
    [id],
  );
  const drill = await openDrillTo(db, id);
  const runs = [...open.map((run) => run.id), ...(drill === undefined ? [] : [drill])];
  if (runs.length > 0) throw fail('resource_busy', { resource: name, runs: runs.join(', ') });
}

/** Restores and drills of it are none of them: they read pools. */
async function enabledJobsOf(db: Database, id: ResourceId): Promise<string[]> {
  const rows = await db.rows(
    z.object({ name: z.string() }),
    `select j.name from job j join job_revision v on v.job_id = j.id and v.n = j.current_revision
     where not j.is_adhoc and j.deleted_at is null and j.is_enabled and v.plan->>'type' not in ('manual', 'immediate')
       and $1 in (v.spec->>'resourceId', v.spec->'target'->>'resourceId') order by j.name`,
    [id],
  );
  return rows.map(({ name }) => name);
}

/** Its runs stay in the list of runs; their jobs say what they were. */
async function forget(db: Database, id: ResourceId): Promise<void> {
  await db.change('update run set resource_id = null where resource_id = $1', [id]);
  await db.change('delete from resource where id = $1', [id]);
}
