import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import type { RunOutcome } from '#core/ports/run-book.ts';
import { isFinal } from '#core/run/run-state.ts';
import { runStateShape } from '#core/settings/shape/progress.ts';
import { placedShape } from '#core/settings/shape/transfer.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import { keptWords } from '#core/transfer/kept.ts';
import type { PlacesTold } from '#core/transfer/task.ts';
import type { Database } from './database.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';

/** A run that put something into a live instance, or was about to, and what became of what it replaced. */
export const transferShape = z.object({
  id: idShape('run'),
  kind: z.string(),
  state: runStateShape,
  resourceId: idShape('res'),
  resourceName: z.string().nullable(),
  placed: z.array(placedShape),
  /**
   * `none`: it replaced nothing, or dropped it at once. `unsure`: it was last heard of right before its swap. `undone`: what it placed is
   * set aside; `discarded`: that was dropped.
   */
  kept: z.enum(['kept', 'unsure', 'confirmed', 'undone', 'discarded', 'none']),
  closedAt: instantShape.nullable(),
});
export type TransferRow = z.output<typeof transferShape>;

const selection = `
  select r.id, r.kind, r.state, r.resource_id as "resourceId",
         (select name from resource x where x.id = r.resource_id) as "resourceName",
         t.placed, r.closed_at as "closedAt",
         coalesce((select case v.spec->'task'->>'does' when 'confirm' then 'confirmed' when 'discard' then 'discarded' else 'undone' end
            from run s join job_revision v on v.job_id = s.job_id and v.n = s.revision
           where s.kind = 'settle-transfer' and s.state in ('succeeded', 'warned') and v.spec->'task'->>'of' = r.id
           order by s.id desc limit 1),
           case when not exists (select 1 from jsonb_array_elements(t.placed) p where p ? 'keptOid') then 'none'
                when t.is_swapped then 'kept' else 'unsure' end) as kept
    from transfer t join run r on r.id = t.run_id where jsonb_array_length(t.placed) > 0`;

/**
 * Keeps what a run tells of its swap. Told again it counts anew, except that a swap which happened is never taken back by an older word.
 */
export const keepPlaces = (db: Database, run: RunId, { placed, isSwapped }: PlacesTold): Promise<number> =>
  db.change(
    `insert into transfer (run_id, placed, is_swapped) values ($1, $2, $3)
     on conflict (run_id) do update set placed = excluded.placed, is_swapped = excluded.is_swapped, told_at = now()
       where excluded.is_swapped or not transfer.is_swapped`,
    [run, JSON.stringify(placed), isSwapped],
  );

/** True when a run said that its swap happened, whatever became of the run. */
export async function hasSwapped(db: Database, run: RunId): Promise<boolean> {
  const rows = await db.rows(z.object({}), 'select 1 from transfer where run_id = $1 and is_swapped', [run]);
  return rows.length > 0;
}

/** Newest first. */
export async function listTransfers(db: Database, page: PageRequest): Promise<Page<TransferRow>> {
  const rows = await db.rows(
    transferShape,
    `${selection} and ($1::text is null or r.id < $1) order by r.id desc limit $2`,
    [page.after ?? null, page.limit + 1],
  );
  return pageOf(rows, page.limit);
}

/** What a run swapped; undefined for one that did not get that far, and for any other run. */
export async function findTransfer(db: Database, run: RunId): Promise<TransferRow | undefined> {
  return (await db.rows(transferShape, `${selection} and r.id = $1`, [run]))[0];
}

/** What a run of any ending kept and nobody has settled yet. Throws `transfer_not_kept`. */
export async function getKept(db: Database, run: RunId): Promise<TransferRow> {
  const row = await findTransfer(db, run);
  if (row === undefined)
    throw fail('transfer_not_kept', { run, why: 'it is no recovery or logical restore that got as far as its swap' });
  if (!isFinal(row.state)) throw fail('transfer_not_kept', { run, why: `it is ${row.state}: wait for its end` });
  if (row.kept === 'none') throw fail('transfer_not_kept', { run, why: 'it replaced nothing, or dropped it at once' });
  if (row.kept !== 'kept' && row.kept !== 'unsure')
    throw fail('transfer_not_kept', { run, why: `it is ${row.kept} already` });
  return row;
}

/** What a run placed, when an undo of it set that aside and nobody has dropped it yet. Throws `transfer_not_kept`. */
export async function getUndone(db: Database, run: RunId): Promise<TransferRow> {
  const row = await findTransfer(db, run);
  if (row?.kept === 'undone') return row;
  throw fail('transfer_not_kept', { run, why: 'only what an undo set aside is discarded, and only once' });
}

/** The outcome of a run that did not end well says what it left behind in a live instance, and the commands for that. */
export async function withKept(db: Database, run: RunId, outcome: RunOutcome): Promise<RunOutcome> {
  if (outcome.state === 'succeeded' || outcome.state === 'warned') return outcome;
  const row = await findTransfer(db, run);
  const words = row && keptWords(run, { placed: row.placed, isSwapped: row.kept !== 'unsure' });
  return words === undefined ? outcome : { ...outcome, message: `${outcome.message}. ${words}` };
}
