import { z } from 'zod';
import type { HostId, ResourceId } from '#core/id.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';

export const drillTargetShape = z.object({
  resourceId: idShape('res'),
  resource: z.string(),
  markedAt: instantShape,
  markedBy: z.string(),
});
const rowShape = drillTargetShape.extend({ token: z.string() });

/** An instance that drills may replace; the token is in the mark of its data directory, too. */
export type DrillTargetRow = z.output<typeof rowShape>;

const select = `select t.resource_id as "resourceId", r.name as resource, t.marked_at as "markedAt", t.marked_by as "markedBy", t.token
  from drill_target t join resource r on r.id = t.resource_id`;

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

export const removeDrillTarget = (db: Database, id: ResourceId): Promise<number> =>
  db.change('delete from drill_target where resource_id = $1', [id]);

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
