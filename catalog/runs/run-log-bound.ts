import { z } from 'zod';
import type { RunId } from '#core/id.ts';
import { countShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';

/** A run keeps its first and its last lines; the middle of a log that is longer tells least. */
export const keptLines = { first: 1000, last: 19_000 } as const;
/** So many more may gather before they are dropped together. */
const slackLines = 2000;

const leftOut = `lines were left out here: a run keeps its first ${String(keptLines.first)} and its last ${String(keptLines.last)}`;

/** Drops lines from the middle of the log of a run that has grown too long, and says so in their place. Returns how many. */
export async function boundLog(db: Database, run: RunId): Promise<number> {
  const [row] = await db.rows(
    z.object({ count: countShape }),
    'select count(*)::int as count from run_event where run_id = $1',
    [run],
  );
  if ((row?.count ?? 0) <= keptLines.first + keptLines.last + slackLines) return 0;
  const { first, last } = keptLines;
  return db.transaction(async (inside) => {
    const dropped = await inside.change(
      `delete from run_event where run_id = $1
         and seq > (select seq from run_event where run_id = $1 order by seq offset $2 limit 1)
         and seq < (select seq from run_event where run_id = $1 order by seq desc offset $3 limit 1)`,
      [run, first, last - 1],
    );
    await inside.change(
      `update run_event set level = 'warn', message = $3
       where seq = (select seq from run_event where run_id = $1 order by seq offset $2 limit 1)`,
      [run, first, leftOut],
    );
    return dropped;
  });
}
