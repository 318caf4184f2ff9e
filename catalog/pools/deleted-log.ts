import { z } from 'zod';
import type { TruncationNote } from '#core/care/care-task.ts';
import type { DeletedRange } from '#core/care/explain-gaps.ts';
import type { PoolId } from '#core/id.ts';
import { lsnShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';

const rangeShape = z.object({ branchId: z.string(), from: lsnShape, to: lsnShape });

/** Keeps what a note in a pool says that a plan deleted. Idempotent by note. */
export const indexDeletionNote = (
  db: Database,
  { noteId, systemId, branchId, ranges }: TruncationNote,
  pool: PoolId,
): Promise<number> =>
  db.change(
    `insert into deletion_note (pool_id, note_id, system_id, branch_id, ranges) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [pool, noteId, systemId, branchId, JSON.stringify(ranges)],
  );

/** Log of a database that plans have deleted from a pool: by the plans of this catalog, and by notes that a rebuild found. */
export const deletedLogOf = (db: Database, systemId: string, pool: PoolId): Promise<readonly DeletedRange[]> =>
  db.rows(
    rangeShape,
    `select e ->> 'branchId' as "branchId", b ->> 'from' as "from", b ->> 'to' as "to"
     from care_plan p join deletion d on d.run_id = p.run_id and d.kind = 'log' and d.state in ('removed', 'done')
     cross join lateral jsonb_array_elements(p.deletions -> 'log') e
     cross join lateral jsonb_array_elements(e -> 'batches') b
     where p.pool_id = $1 and e ->> 'systemId' = $2 and d.object = (e ->> 'systemId') || '/' || (e ->> 'branchId')
     union
     select n.branch_id, r ->> 'from', r ->> 'to' from deletion_note n cross join lateral jsonb_array_elements(n.ranges) r
     where n.pool_id = $1 and n.system_id = $2`,
    [pool, systemId],
  );
