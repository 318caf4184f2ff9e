import { z } from 'zod';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { addEvent } from '#catalog/notices/events.ts';

const staleShape = z.object({
  resourceId: idShape('res'),
  maxAgeHours: z.number(),
  /** Of those that proved enough. */
  lastPassedAt: instantShape.nullable(),
  resource: z.string().nullable(),
  /** What the newest drill that passed did not prove: it does not count for that. Empty: it counts, or there is none. */
  unproven: z.array(z.string()),
});

/**
 * Resources whose last drill that passed and proved what their policy asks (core/drill/proof.ts) is older than the policy allows, or that
 * have none.
 */
const staleSql = `select p.resource_id as "resourceId", p.max_age_hours as "maxAgeHours", proven.at as "lastPassedAt",
    (select name from resource where id = p.resource_id) as resource,
    array(select name from unnest(coalesce(newest.unproven, '{}')) as u (name) where name <> all (p.accepted)) as unproven
  from drill_policy p
  left join lateral (select max(finished_at) as at from drill d
    where d.resource_id = p.resource_id and d.is_passed and d.unproven <@ p.accepted) proven on true
  left join lateral (select unproven from drill d
    where d.resource_id = p.resource_id and d.is_passed order by finished_at desc limit 1) newest on true
  where p.max_age_hours is not null
    and coalesce(proven.at, '-infinity') < now() - make_interval(hours => p.max_age_hours)`;

const type = 'drill.stale';

/**
 * Tells once when the last drill of a resource that proved enough becomes too old, and once when a fresh one has or the policy is gone. Safe
 * to repeat and in several processes at once. How many events were told.
 */
export function tellStaleDrills(db: Database): Promise<number> {
  return db.transaction(async (inside) => {
    const stale = await inside.rows(staleShape, staleSql);
    let told = 0;
    for (const { resourceId, ...data } of stale) {
      const begun = await inside.change(
        'insert into condition (type, subject, data) values ($1, $2, $3) on conflict do nothing',
        [type, resourceId, JSON.stringify(data)],
      );
      if (begun > 0 && (await addEvent(inside, { type, resourceId, data }))) told++;
    }
    const ended = await inside.rows(
      z.object({ resourceId: idShape('res') }),
      `delete from condition where type = $1 and subject <> all ($2) returning subject as "resourceId"`,
      [type, stale.map(({ resourceId }) => resourceId)],
    );
    for (const { resourceId } of ended) if (await addEvent(inside, { type: 'drill.fresh', resourceId })) told++;
    return told;
  });
}
