import { z } from 'zod';
import type { MarkOfSet, Standing } from '#core/care/mark.ts';
import { standingOf } from '#core/care/mark.ts';
import type { PoolId, SetId } from '#core/id.ts';
import { markShape } from '#core/settings/shape/care.ts';
import type { Database } from '#catalog/database.ts';

const rowShape = z.object({ mark: markShape });

/** Indexes marks of sets; told again they stay as they are. */
export async function indexMarks(db: Database, pool: PoolId, marks: readonly MarkOfSet[]): Promise<void> {
  for (const mark of marks)
    await db.change(
      'insert into set_mark (pool_id, set_id, seq, mark) values ($1, $2, $3, $4) on conflict do nothing',
      [pool, mark.setId, mark.seq, JSON.stringify(mark)],
    );
}

/** Marks of a set in one pool, in the order they were made: each pool has its own. */
export async function marksOf(db: Database, set: SetId, pool: PoolId): Promise<MarkOfSet[]> {
  const rows = await db.rows(rowShape, 'select mark from set_mark where set_id = $1 and pool_id = $2 order by seq', [
    set,
    pool,
  ]);
  return rows.map(({ mark }) => mark);
}

/** What the marks of each set say in one pool; sets without marks are left out. */
export async function standingsOf(
  db: Database,
  sets: readonly SetId[],
  pool: PoolId,
): Promise<ReadonlyMap<SetId, Standing>> {
  const rows = await db.rows(
    rowShape,
    'select mark from set_mark where set_id = any ($1) and pool_id = $2 order by seq',
    [sets, pool],
  );
  const bySet = new Map<SetId, MarkOfSet[]>();
  for (const { mark } of rows) bySet.set(mark.setId, [...(bySet.get(mark.setId) ?? []), mark]);
  return new Map([...bySet].map(([setId, marks]) => [setId, standingOf(marks)]));
}
