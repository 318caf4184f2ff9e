import { z } from 'zod';
import type { DeletedRange } from '#core/care/explain-gaps.ts';
import type { PoolId } from '#core/id.ts';
import { lsnShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';

const rangeShape = z.object({ branchId: z.string(), from: lsnShape, to: lsnShape });

/** Log of a database that plans have deleted from a pool, batch by batch, as far as this catalog knows. */
export const deletedLogOf = (db: Database, systemId: string, pool: PoolId): Promise<readonly DeletedRange[]> =>
  db.rows(
    rangeShape,
    `select e ->> 'branchId' as "branchId", b ->> 'from' as "from", b ->> 'to' as "to"
     from care_plan p join deletion d on d.run_id = p.run_id and d.kind = 'log' and d.state in ('removed', 'done')
     cross join lateral jsonb_array_elements(p.deletions -> 'log') e
     cross join lateral jsonb_array_elements(e -> 'batches') b
     where p.pool_id = $1 and e ->> 'systemId' = $2 and d.object = (e ->> 'systemId') || '/' || (e ->> 'branchId')`,
    [pool, systemId],
  );
