import { z } from 'zod';
import type { UnusableSets } from '#core/backup/usable-sets.ts';
import type { PoolId, SetId } from '#core/id.ts';
import { verifyReportShape } from '#core/settings/shape/reports.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { standingsOf } from './set-marks.ts';

const shape = z.object({ id: idShape('set'), report: verifyReportShape });
const idRow = z.object({ id: idShape('set') });

/**
 * Sets of a database in a pool that must be neither restored nor built upon, with the reason: their last verify found damage, or
 * somebody put them into quarantine.
 */
export async function unusableSets(db: Database, systemId: string, pool: PoolId): Promise<UnusableSets> {
  const rows = await db.rows(
    shape,
    `select id, verify_report as report from backup_set
     where system_id = $1 and pool_id = $2 and jsonb_array_length(verify_report -> 'damage') > 0`,
    [systemId, pool],
  );
  const damaged = rows.map(({ id, report }): readonly [SetId, string] => [id, reasonOf(report)]);
  return new Map([...(await quarantined(db, systemId, pool)), ...damaged]);
}

async function quarantined(
  db: Database,
  systemId: string,
  pool: PoolId,
): Promise<readonly (readonly [SetId, string])[]> {
  const marked = await db.rows(
    idRow,
    `select s.id from backup_set s where s.system_id = $1 and s.pool_id = $2
       and exists (select 1 from set_mark m where m.set_id = s.id and m.pool_id = s.pool_id)`,
    [systemId, pool],
  );
  const standings = await standingsOf(
    db,
    marked.map(({ id }) => id),
    pool,
  );
  return [...standings]
    .filter(([, { isQuarantined }]) => isQuarantined)
    .map(([id, { quarantineReason }]) => [id, `it is quarantined: ${quarantineReason}`] as const);
}

function reasonOf({ damage }: z.output<typeof verifyReportShape>): string {
  const [first] = damage;
  return first === undefined ? 'it is damaged' : `it is damaged: ${first.object} ${first.what}`;
}
