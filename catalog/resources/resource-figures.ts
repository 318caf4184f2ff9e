import { z } from 'zod';
import { countShape, idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';

const lastShape = z.object({ resourceId: idShape('res'), type: z.string(), at: instantShape });
export type LastSuccess = z.output<typeof lastShape>;

/** When what is protected was last made, per resource and type: `full`, `incremental` and `log` by what pools hold, others by runs. */
export const lastSuccesses = (db: Database): Promise<LastSuccess[]> =>
  db.rows(
    lastShape,
    `select resource_id as "resourceId", case type when 'full' then 'full' else 'incremental' end as type, max(ended_at) as at
     from backup_set group by 1, 2
     union all select resource_id, 'log', max(indexed_at) from log_batch group by 1
     union all select resource_id, kind, max(closed_at) from run
     where resource_id is not null and kind in ('logical-backup', 'restore', 'drill') and state in ('succeeded', 'warned')
     group by 1, 2 order by 1, 2`,
  );

const rtoShape = z.object({ resourceId: idShape('res'), seconds: z.number().min(0) });

/** How long recovery took when it was last done: by the last drill that passed, else by the last restore that succeeded. */
export const measuredRtos = (db: Database): Promise<z.output<typeof rtoShape>[]> =>
  db.rows(
    rtoShape,
    `with drilled as (
       select distinct on (resource_id) resource_id, (data ->> 'rtoSeconds')::float8 as seconds from event
       where type = 'drill.passed' and resource_id is not null and jsonb_typeof(data -> 'rtoSeconds') = 'number'
       order by resource_id, seq desc
     ), restored as (
       select distinct on (resource_id) resource_id, extract(epoch from closed_at - began_at)::float8 as seconds from run
       where kind = 'restore' and state in ('succeeded', 'warned') and resource_id is not null and began_at is not null
       order by resource_id, id desc
     )
     select resource_id as "resourceId", greatest(seconds, 0) as seconds from drilled
     union all select resource_id, greatest(seconds, 0) from restored
     where resource_id not in (select resource_id from drilled)`,
  );

const lastDrillShape = z.object({ resourceId: idShape('res'), at: instantShape });

/** When a drill last passed; where there is a policy, one that proved what it asks (core/drill/proof.ts). */
export const lastDrills = (db: Database): Promise<z.output<typeof lastDrillShape>[]> =>
  db.rows(
    lastDrillShape,
    `select e.resource_id as "resourceId", max(e.at) as at from event e
       left join drill_policy p on p.resource_id = e.resource_id
     where e.type = 'drill.passed' and e.resource_id is not null and (p.resource_id is null
       or array(select jsonb_array_elements_text(coalesce(e.data -> 'unproven', '[]'))) <@ p.accepted)
     group by 1`,
  );

const loginShape = z.object({
  ...{ resourceId: idShape('res'), resource: z.string(), hostId: idShape('host') },
  /** The login that is stored was refused since it was entered or last worked. */
  isRefused: z.boolean(),
  needsCheck: z.boolean(),
});
export type LoginFigure = z.output<typeof loginShape>;

/** Logins of resources on hosts: refused by the last check, or by the last run that ended. A check is due each hour. */
export const loginFigures = (db: Database): Promise<LoginFigure[]> =>
  db.rows(
    loginShape,
    `select r.id as "resourceId", r.name as resource, r.host_id as "hostId",
       coalesce(l.refused_at > l.checked_at, false) or coalesce((
         select n.outcome ->> 'code' = 'login_refused' and n.closed_at > l.checked_at from run n
         where n.resource_id = r.id and n.closed_at is not null order by n.id desc limit 1), false) as "isRefused",
       greatest(l.checked_at, l.refused_at) < now() - interval '1 hour' as "needsCheck"
     from resource r join resource_login l on l.resource_id = r.id where r.host_id is not null order by r.id`,
  );

/** Notes how a check of the stored login ended. */
export const storeLoginCheck = (db: Database, id: string, isRefused: boolean): Promise<number> =>
  db.change(
    `update resource_login set checked_at = case when $2 then checked_at else now() end,
       refused_at = case when $2 then now() end where resource_id = $1`,
    [id, isRefused],
  );

const stateShape = z.object({ state: z.string(), kind: z.string(), count: countShape });

/** Runs by kind and state. */
export const runCounts = (db: Database): Promise<z.output<typeof stateShape>[]> =>
  db.rows(stateShape, 'select state, kind, count(*)::int as count from run group by 1, 2 order by 1, 2');

const lastRunShape = z.object({ resource: z.string(), kind: z.string(), seconds: z.number().min(0) });

/** How long the last run that ended well took, per resource and kind. */
export const lastDurations = (db: Database): Promise<z.output<typeof lastRunShape>[]> =>
  db.rows(
    lastRunShape,
    `select distinct on (r.resource_id, r.kind) s.name as resource, r.kind,
       greatest(extract(epoch from r.closed_at - coalesce(r.began_at, r.created_at)), 0)::float8 as seconds
     from run r join resource s on s.id = r.resource_id where r.state in ('succeeded', 'warned') and r.closed_at is not null
     order by r.resource_id, r.kind, r.id desc`,
  );

const bytesShape = z.object({ pool: z.string(), kind: z.literal('set'), bytes: z.number().min(0) });

/** What the backup sets of each pool take. */
export const poolBytes = (db: Database): Promise<z.output<typeof bytesShape>[]> =>
  db.rows(
    bytesShape,
    `select p.name as pool, 'set' as kind, coalesce(sum((s.summary ->> 'storedBytes')::float8), 0) as bytes
     from pool p join backup_set s on s.pool_id = p.id group by 1`,
  );
