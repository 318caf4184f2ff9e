import type { CanaryExpected } from '#core/drill/drill.ts';
import { canaryCountsSql, canaryIsPlainSql, canaryRowSql, countSecondsOfDrill } from '#core/drill/canary.ts';
import type { Session } from '#agent/database/session.ts';
import { textOf } from '#agent/database/session.ts';
import type { Scratch } from '#agent/scratch/open-scratch.ts';
import { within } from './check-instance.ts';
import type { TableCount } from './count-static.ts';
import { countTables } from './count-static.ts';
import type { Finding } from './run-check.ts';
import { failed, passed, skipped } from './run-check.ts';

/** The row that the last committed log backup wrote is there: replay really went to the end of it. */
export const checkCanary = (scratch: Scratch, { database, runId, seq, at, note }: CanaryExpected): Promise<Finding> =>
  within(
    scratch,
    async (session) => {
      if (!(await isPlain(session))) return failed(`table holdfast.canary of ${database} is not what log backups made`);
      const [row] = await session.query(canaryRowSql, [runId]);
      if (row === undefined)
        return failed(`the row ${String(seq)} that log backup ${runId} wrote at ${at} is not there`);
      const found = textOf(row, 'seq');
      return found === String(seq)
        ? passed([`row ${found} of ${at}`, note ?? []].flat().join('; '))
        : failed(`row ${found}, expected ${String(seq)}`);
    },
    database,
  );

const isPlain = async (session: Session): Promise<boolean> => (await session.query(canaryIsPlainSql)).length > 0;

/**
 * Tables that are marked static hold as many rows as the canary counted; a table that it did not count is not checked. Undefined when none is
 * marked: there is nothing that a drill could lack.
 */
export const checkStatic = (
  scratch: Scratch,
  { database, runId }: CanaryExpected,
  signal: AbortSignal,
): Promise<Finding | undefined> =>
  within(
    scratch,
    async (session) => {
      if (!(await isPlain(session))) return failed(`table holdfast.canary of ${database} is not what log backups made`);
      const noted = await session.query(canaryCountsSql, [runId]);
      if (noted.length === 0) return undefined;
      const expected = new Map(noted.map((row) => [textOf(row, 'table_name'), row['rows']]));
      const tables = [...expected.keys()].filter((table) => typeof expected.get(table) === 'string');
      const found = await countTables(session, tables, { signal, seconds: countSecondsOfDrill });
      const wrong = found.flatMap((one) => wrongOf(one, String(expected.get(one.table))));
      if (wrong.length > 0) return failed(wrong.join('; '));
      const same = `${String(tables.length)} tables have as many rows as before`;
      const uncounted = [...expected.keys()].filter((table) => !tables.includes(table));
      return uncounted.length === 0
        ? passed(same)
        : skipped(`${same}; not counted by log backup ${runId}: ${uncounted.join(', ')}`);
    },
    database,
  );

function wrongOf(one: TableCount, expected: string): readonly string[] {
  if ('error' in one) return [`${one.error.message} (${one.error.code})`];
  return String(one.rows) === expected ? [] : [`${one.table} has ${String(one.rows)} rows, expected ${expected}`];
}
