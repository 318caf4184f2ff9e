import { z } from 'zod';
import type { DrillPolicy } from '#core/drill/proof.ts';
import { acceptable } from '#core/drill/proof.ts';
import type { ResourceId } from '#core/id.ts';
import type { Database } from '#catalog/database.ts';

const policyShape = z.object({ maxAgeHours: z.number().nullable(), accepted: z.array(z.enum(acceptable)) });

/** What is asked of the drills of a resource; nobody said anything: no age, and nothing is accepted. */
export async function drillPolicyOf(db: Database, resourceId: ResourceId): Promise<DrillPolicy> {
  const [row] = await db.rows(
    policyShape,
    'select max_age_hours as "maxAgeHours", accepted from drill_policy where resource_id = $1',
    [resourceId],
  );
  if (row === undefined) return { accepted: [] };
  const { maxAgeHours, accepted } = row;
  return { accepted, ...(maxAgeHours === null ? {} : { maxAgeHours }) };
}

/** Takes the place of what was asked before. */
export const storeDrillPolicy = (
  db: Database,
  resourceId: ResourceId,
  { maxAgeHours, accepted }: DrillPolicy,
): Promise<number> =>
  maxAgeHours === undefined && accepted.length === 0
    ? db.change('delete from drill_policy where resource_id = $1', [resourceId])
    : db.change(
        `insert into drill_policy (resource_id, max_age_hours, accepted) values ($1, $2, $3)
         on conflict (resource_id) do update set max_age_hours = excluded.max_age_hours, accepted = excluded.accepted`,
        [resourceId, maxAgeHours ?? null, accepted],
      );
