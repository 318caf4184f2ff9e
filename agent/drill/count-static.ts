import { finished } from 'node:stream/promises';
import { notPlain, parseTableName, partitionedKind, partsSql } from '#core/drill/canary.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { codeOf } from '#agent/file-system.ts';
import type { Row, Session } from '#agent/database/session.ts';
import { textOf } from '#agent/database/session.ts';
import { cutText } from '#core/text.ts';

/** Rows of a table, or why it was not counted. */
export type TableCount =
  { readonly table: string; readonly rows: number } | { readonly table: string; readonly error: HoldfastError };

export interface CountLimits {
  readonly signal?: AbortSignal | undefined;
  /** For all tables together. */
  readonly seconds: number;
}

const settings = [
  "set lock_timeout = '5s'",
  'set row_security = off',
  'set session characteristics as transaction read only',
] as const;

/**
 * Counts the rows of tables by a session that is for nothing else, and is closed when the time is over or the signal comes. The names are of an
 * operator, what they stand for is of whoever owns the tables by now: `COPY … TO` reads rows of the very relation that it found to be a
 * plain table under its lock. It refuses views and foreign tables, and neither rules, nor policies, nor expressions of an index are looked
 * at, as planning a `SELECT` would do. A table that is not counted says why: `static_table_not_plain`, `static_table_slow`, or what the server
 * refused. Throws the reason of the signal.
 */
export async function countTables(
  session: Session,
  tables: readonly string[],
  { signal, seconds }: CountLimits,
): Promise<readonly TableCount[]> {
  const isOver = AbortSignal.timeout(seconds * 1000);
  const end = signal === undefined ? isOver : AbortSignal.any([signal, isOver]);
  const leave = (): void => void session.close();
  signal?.throwIfAborted();
  end.addEventListener('abort', leave);
  const found: TableCount[] = [];
  try {
    for (const setting of [...settings, `set statement_timeout = '${String(seconds)}s'`]) await session.query(setting);
    for (const table of tables) {
      const rows = await countOf(session, table, end).catch((error: unknown) => {
        signal?.throwIfAborted();
        if (isOver.aborted || isTimeout(error)) return fail('static_table_slow', { table, seconds: String(seconds) });
        if (error instanceof HoldfastError && error.class !== 'bug') return error;
        throw error;
      });
      found.push(typeof rows === 'number' ? { table, rows } : { table, error: rows });
    }
    return found;
  } finally {
    end.removeEventListener('abort', leave);
  }
}

/** SQLSTATE query_canceled. */
const isTimeout = (error: unknown): boolean => error instanceof HoldfastError && codeOf(error.cause) === '57014';

async function countOf(session: Session, table: string, end: AbortSignal): Promise<number> {
  const parts = await session.query(partsSql, [parseTableName(table)]);
  for (const part of parts) {
    const kind = notPlain(textOf(part, 'kind'), textOf(part, 'is_rewritten') === 'true');
    if (kind !== undefined) throw fail('static_table_not_plain', { table, found: textOf(part, 'name'), kind });
  }
  let rows = 0;
  for (const part of parts)
    if (textOf(part, 'kind') !== partitionedKind) rows += await rowsOf(session, copySql(part), end);
  return rows;
}

/** One column is enough. A table without any sends empty lines. */
function copySql(part: Row): string {
  const column = part['column_name'];
  return `copy ${textOf(part, 'name')} ${typeof column === 'string' ? `(${column}) ` : ''}to stdout`;
}

async function rowsOf(session: Session, statement: string, end: AbortSignal): Promise<number> {
  end.throwIfAborted();
  const rows = session.copyOut(statement);
  const leave = (): void => void rows.destroy(fail('cancelled', { what: 'the counting' }));
  end.addEventListener('abort', leave);
  try {
    rows.resume();
    await finished(rows);
    // Why: the stream ends with the last row; how many they were comes behind it.
    await session.query('select 1');
    return rows.rowCount;
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw fail('query_failed', { instance: session.instance, statement: cutText(statement, 120), reason }, cause);
  } finally {
    end.removeEventListener('abort', leave);
  }
}
