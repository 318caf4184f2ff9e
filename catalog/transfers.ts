import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import { placedShape } from '#core/settings/shape/transfer.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Placed } from '#core/transfer/task.ts';
import type { Database } from './database.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';

/** A run that put something into a live instance, and what became of what it replaced. */
export const transferShape = z.object({
  id: idShape('run'),
  kind: z.string(),
  resourceId: idShape('res'),
  resourceName: z.string().nullable(),
  placed: z.array(placedShape),
  /** `none`: it replaced nothing, or dropped it at once. */
  kept: z.enum(['kept', 'confirmed', 'undone', 'none']),
  closedAt: instantShape.nullable(),
});
type TransferRow = z.output<typeof transferShape>;

const selection = `
  select r.id, r.kind, r.resource_id as "resourceId",
         (select name from resource x where x.id = r.resource_id) as "resourceName",
         r.outcome->'result'->'placed' as placed, r.closed_at as "closedAt",
         coalesce((select case v.spec->'task'->>'does' when 'confirm' then 'confirmed' else 'undone' end
            from run s join job_revision v on v.job_id = s.job_id and v.n = s.revision
           where s.kind = 'settle-transfer' and s.state in ('succeeded', 'warned') and v.spec->'task'->>'of' = r.id
           order by s.id desc limit 1),
           case when exists (select 1 from jsonb_array_elements(r.outcome->'result'->'placed') p where p ? 'keptAs' or p ? 'keptIn')
                then 'kept' else 'none' end) as kept
    from run r where r.kind in ('database-recovery', 'logical-restore') and r.state in ('succeeded', 'warned')
     and jsonb_typeof(r.outcome->'result'->'placed') = 'array'`;

/** Newest first. */
export async function listTransfers(db: Database, page: PageRequest): Promise<Page<TransferRow>> {
  const rows = await db.rows(
    transferShape,
    `${selection} and ($1::text is null or r.id < $1) order by r.id desc limit $2`,
    [page.after ?? null, page.limit + 1],
  );
  return pageOf(rows, page.limit);
}

/** What a run kept and nobody has settled yet. Throws `transfer_not_kept`. */
export async function getKept(db: Database, run: RunId): Promise<TransferRow & { readonly placed: readonly Placed[] }> {
  const [row] = await db.rows(transferShape, `${selection} and r.id = $1`, [run]);
  if (row === undefined)
    throw fail('transfer_not_kept', { run, why: 'it is no recovery or logical restore that succeeded' });
  if (row.kept === 'none') throw fail('transfer_not_kept', { run, why: 'it replaced nothing, or dropped it at once' });
  if (row.kept !== 'kept') throw fail('transfer_not_kept', { run, why: `it is ${row.kept} already` });
  return row;
}
