import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { HostId, ResourceId, RunId } from '#core/id.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { isOpenSql } from '#catalog/pools/leases.ts';
import { demandUnused } from './target-users.ts';

export const drillTargetShape = z.object({
  resourceId: idShape('res'),
  resource: z.string(),
  markedAt: instantShape,
  markedBy: z.string(),
  copyOf: z.string().nullable().meta({ description: 'The resource whose data the last drill put there' }),
  copyUntil: instantShape.nullable(),
});
const rowShape = drillTargetShape.extend({ token: z.string(), runId: idShape('run').nullable() });

/** An instance that drills may replace; the token is in the mark of its data directory, too. */
export type DrillTargetRow = z.output<typeof rowShape>;

const select = `select t.resource_id as "resourceId", r.name as resource, t.marked_at as "markedAt", t.marked_by as "markedBy", t.token,
  t.run_id as "runId",  c.source_name as "copyOf", c.known_until as "copyUntil" from drill_target t join resource r on r.id = t.resource_id
  left join drilled_copy c on c.resource_id = r.id and c.known_until is not null`;

export const listDrillTargets = (db: Database): Promise<DrillTargetRow[]> =>
  db.rows(rowShape, `${select} order by r.name`);

export async function findDrillTarget(db: Database, id: ResourceId): Promise<DrillTargetRow | undefined> {
  const [row] = await db.rows(rowShape, `${select} where t.resource_id = $1`, [id]);
  return row;
}

export const storeDrillTarget = (
  db: Database,
  { id, token, markedBy }: { readonly id: ResourceId; readonly token: string; readonly markedBy: string },
): Promise<number> =>
  db.change(
    `insert into drill_target (resource_id, token, marked_by) values ($1, $2, $3)
     on conflict (resource_id) do update set token = excluded.token, marked_by = excluded.marked_by, marked_at = now()`,
    [id, token, markedBy],
  );

const openShape = z.object({ run: idShape('run') });

/** An open run that drills to this instance, whether it has begun or waits. */
export async function openDrillTo(db: Database, id: ResourceId): Promise<RunId | undefined> {
  const [open] = await db.rows(
    openShape,
    `select r.id as run from run r join job_revision v on v.job_id = r.job_id and v.n = r.revision
     where r.kind = 'drill' and ${isOpenSql} and v.spec -> 'target' ->> 'resourceId' = $1 order by r.id limit 1`,
    [id],
  );
  return open?.run;
}

/** Who takes the mark away waits for who takes the target, and the other way round. */
const lockTarget = (db: Database, id: ResourceId): Promise<number> =>
  db.change('select 1 from drill_target where resource_id = $1 for update', [id]);

/**
 * Takes a mark away, unless a run is open that drills to the instance: that would not save it. A drill that is recorded later finds no
 * mark. Throws `drill_target_in_use`.
 */
export const removeDrillTarget = (db: Database, { id, name }: { id: ResourceId; name: string }): Promise<void> =>
  db.transaction(async (inside) => {
    await lockTarget(inside, id);
    const run = await openDrillTo(inside, id);
    if (run !== undefined) throw fail('drill_target_in_use', { target: name, run });
    await inside.change('delete from drill_target where resource_id = $1', [id]);
  });

/**
 * Gives a target to a run until that has ended: no other run drills to it or works with it meanwhile. Idempotent. Answers nothing when
 * the instance is not marked. Throws `drill_target_in_use`, `drill_target_busy`.
 */
export const takeDrillTarget = (
  db: Database,
  { id, runId }: { readonly id: ResourceId; readonly runId: RunId },
): Promise<DrillTargetRow | undefined> =>
  db.transaction(async (inside) => {
    await lockTarget(inside, id);
    const found = await findDrillTarget(inside, id);
    const [other] = await inside.rows(
      openShape,
      `select r.id as run from drill_target t join run r on r.id = t.run_id
       where t.resource_id = $1 and r.id <> $2 and ${isOpenSql}`,
      [id, runId],
    );
    if (other !== undefined) throw fail('drill_target_in_use', { target: found?.resource ?? id, run: other.run });
    // Why not when it is taken already: whoever came later is refused, and must not end the drill.
    if (found !== undefined && found.runId !== runId) await demandUnused(inside, { id, runId });
    await inside.change('update drill_target set run_id = $2 where resource_id = $1', [id, runId]);
    return found;
  });

/** True while the mark with this token stands and the target is that of this run. */
export async function isTargetOf(
  db: Database,
  { id, runId, token }: { readonly id: ResourceId; readonly runId: RunId; readonly token: string },
): Promise<boolean> {
  const rows = await db.rows(
    z.unknown(),
    'select 1 from drill_target where resource_id = $1 and run_id = $2 and token = $3',
    [id, runId, token],
  );
  return rows.length > 0;
}

/** Names of jobs that drill to this instance by plan or by hand. */
export async function jobsDrillingTo(db: Database, id: ResourceId): Promise<readonly string[]> {
  const rows = await db.rows(
    z.object({ name: z.string() }),
    `select j.name from job j join job_revision v on v.job_id = j.id and v.n = j.current_revision
     where j.kind = 'drill' and not j.is_adhoc and j.deleted_at is null and v.spec -> 'target' ->> 'resourceId' = $1
     order by j.name`,
    [id],
  );
  return rows.map(({ name }) => name);
}

/** System identifiers of databases that somebody backs up or registered, but for one resource: none of them is a place for drills. */
export async function systemsBeside(db: Database, id: ResourceId): Promise<readonly string[]> {
  const rows = await db.rows(
    z.object({ system: z.string() }),
    `select system_id as system from resource where id <> $1 union select system_id from backup_set
     union select system_id from log_batch order by 1`,
    [id],
  );
  return rows.map(({ system }) => system);
}

/** Data directories of all other resources of a host. */
export async function directoriesBeside(db: Database, hostId: HostId, id: ResourceId): Promise<readonly string[]> {
  const rows = await db.rows(
    z.object({ directory: z.string() }),
    'select data_directory as directory from resource where host_id = $1 and id <> $2 order by 1',
    [hostId, id],
  );
  return rows.map(({ directory }) => directory);
}
