import { z } from 'zod';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { addEvent } from '#catalog/notices/events.ts';

const staleShape = z.object({
  resourceId: idShape('res'),
  maxAgeHours: z.number(),
  lastPassedAt: instantShape.nullable(),
  resource: z.string().nullable(),
});

/** Resources whose last passed drill is older than their policy, or that have none. */
const staleSql = `select p.resource_id as "resourceId", p.max_age_hours as "maxAgeHours",
    max(d.finished_at) filter (where d.is_passed) as "lastPassedAt",
    (select name from resource where id = p.resource_id) as resource
  from drill_policy p left join drill d on d.resource_id = p.resource_id group by p.resource_id, p.max_age_hours
  having coalesce(max(d.finished_at) filter (where d.is_passed), '-infinity') < now() - make_interval(hours => p.max_age_hours)`;

const type = 'drill.stale';

/**
 * Tells once when the last passed drill of a resource becomes too old, and once when a fresh one has passed or the policy is gone. Safe
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
