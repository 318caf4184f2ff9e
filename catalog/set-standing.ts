import type { UnusableSets } from '#core/backup/usable-sets.ts';
import type { SetId } from '#core/id.ts';
import { z } from 'zod';
import { verifyReportShape } from '#core/settings/shape/reports.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';

const shape = z.object({ id: idShape('set'), report: verifyReportShape });

/** Sets of a database that must be neither restored nor built upon, with the reason: their last verify found damage. */
export async function unusableSets(db: Database, systemId: string): Promise<UnusableSets> {
  const rows = await db.rows(
    shape,
    `select id, verify_report as report from backup_set
     where system_id = $1 and jsonb_array_length(verify_report -> 'damage') > 0`,
    [systemId],
  );
  return new Map<SetId, string>(rows.map(({ id, report }) => [id, reasonOf(report)]));
}

function reasonOf({ damage }: z.output<typeof verifyReportShape>): string {
  const [first] = damage;
  return first === undefined ? 'it is damaged' : `it is damaged: ${first.object} ${first.what}`;
}
