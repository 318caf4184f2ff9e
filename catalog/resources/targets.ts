import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { ResourceId } from '#core/id.ts';
import { targetShape } from '#core/settings/shape/target.ts';
import type { Database } from '#catalog/database.ts';

export const targetRowShape = targetShape.extend({
  resourceId: z.string(),
  resource: z.string(),
});
export type TargetRow = z.output<typeof targetRowShape>;

export interface NewTarget {
  readonly rpoSeconds?: number | undefined;
  readonly rtoSeconds?: number | undefined;
  readonly setBy: string;
}

/** What is not given stays as it is; the first time it is without a target. */
export const storeTarget = (
  db: Database,
  id: ResourceId,
  { rpoSeconds, rtoSeconds, setBy }: NewTarget,
): Promise<number> =>
  db.change(
    `insert into target (resource_id, rpo_seconds, rto_seconds, set_by) values ($1, $2, $3, $4)
     on conflict (resource_id) do update set rpo_seconds = coalesce(excluded.rpo_seconds, target.rpo_seconds),
       rto_seconds = coalesce(excluded.rto_seconds, target.rto_seconds), set_by = excluded.set_by, set_at = now()`,
    [id, rpoSeconds ?? null, rtoSeconds ?? null, setBy],
  );

const select = `select t.resource_id as "resourceId", r.name as resource, t.rpo_seconds as "rpoSeconds",
  t.rto_seconds as "rtoSeconds", t.set_by as "setBy", t.set_at as "setAt" from target t join resource r on r.id = t.resource_id`;

export const listTargets = (db: Database): Promise<TargetRow[]> => db.rows(targetRowShape, `${select} order by r.name`);

/** Throws `target_missing`. */
export async function getTarget(
  db: Database,
  { id, name }: { readonly id: ResourceId; readonly name: string },
): Promise<TargetRow> {
  const [row] = await db.rows(targetRowShape, `${select} where t.resource_id = $1`, [id]);
  if (row === undefined) throw fail('target_missing', { resource: name });
  return row;
}

/** Seconds; undefined: no RPO target. */
export async function rpoTargetOf(db: Database, id: ResourceId): Promise<number | undefined> {
  const [row] = await db.rows(targetRowShape, `${select} where t.resource_id = $1`, [id]);
  return row?.rpoSeconds ?? undefined;
}

export const removeTarget = (db: Database, id: ResourceId): Promise<number> =>
  db.change('delete from target where resource_id = $1', [id]);
