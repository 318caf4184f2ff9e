import type { CanaryExpected } from '#core/drill/drill.ts';
import { canaryCountsSql, canaryRowSql, countSql } from '#core/drill/canary.ts';
import { textOf } from '#agent/database/session.ts';
import type { Scratch } from '#agent/scratch/open-scratch.ts';
import { within } from './check-instance.ts';
import type { Finding } from './run-check.ts';
import { failed, passed, skipped } from './run-check.ts';

/** The row that the last committed log backup wrote is there: replay really went to the end of it. */
export const checkCanary = (scratch: Scratch, { database, runId, seq, at, note }: CanaryExpected): Promise<Finding> =>
  within(
    scratch,
    async (session) => {
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

/** Tables that are marked static hold as many rows as the canary counted. */
export const checkStatic = (scratch: Scratch, { database, runId }: CanaryExpected): Promise<Finding> =>
  within(
    scratch,
    async (session) => {
      const counted = await session.query(canaryCountsSql, [runId]);
      if (counted.length === 0) return skipped('no table is marked static');
      const wrong: string[] = [];
      for (const row of counted) {
        const [table, expected] = [textOf(row, 'table_name'), textOf(row, 'rows')];
        const found = textOf(await session.queryOne(countSql(table)), 'n');
        if (found !== expected) wrong.push(`${table} has ${found} rows, expected ${expected}`);
      }
      return wrong.length === 0
        ? passed(`${String(counted.length)} tables have as many rows as before`)
        : failed(wrong.join('; '));
    },
    database,
  );
