import pg from 'pg';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { parseInstant } from '#core/instant.ts';
import { sqlState } from './sql-state.ts';

/** The catalog database: every row is parsed into the shape it was written in. Throws `catalog_unreachable`, `catalog_damaged`. */
export interface Database {
  rows<T>(shape: z.ZodType<T>, sql: string, params?: readonly unknown[]): Promise<T[]>;
  /** Runs a statement and returns how many rows it touched. */
  change(sql: string, params?: readonly unknown[]): Promise<number>;
  /** All of it or nothing. */
  transaction<T>(work: (db: Database) => Promise<T>): Promise<T>;
}

export interface Catalog extends Database {
  close(): Promise<void>;
}

type Runner = Pick<pg.ClientBase, 'query'>;

const timestamptz = 1184;
const bigint = 20;
const standard: (oid: number, format?: 'text' | 'binary') => unknown = pg.types.getTypeParser;
const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): unknown => {
    if (oid === timestamptz) return (text: string) => parseInstant(text);
    if (oid === bigint) return Number;
    return standard(oid, format);
  },
};

/** Opens the catalog at a PostgreSQL URL; connects at first use. */
export function openCatalog(url: string, maxConnections = 10): Catalog {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    // Why so long: it counts the time in line behind other requests, too, and many runs may begin in the same second.
    connectionTimeoutMillis: 30_000,
    idleTimeoutMillis: 300_000,
    options: '-c TimeZone=UTC -c statement_timeout=60000',
    types: typeParsers,
    application_name: 'holdfast',
  });
  // Why: an idle connection that the server closes must not end the process; the next query says what is wrong.
  pool.on('error', () => undefined);
  return {
    ...databaseOver(pool),
    transaction: (work) => inTransaction(pool, work),
    close: () => pool.end(),
  };
}

function databaseOver(runner: Runner): Omit<Database, 'transaction'> {
  return {
    rows: async (shape, sql, params = []) => {
      const result = await ask(runner, sql, params);
      return result.rows.map((row) => parsedRow(shape, row, sql));
    },
    change: async (sql, params = []) => (await ask(runner, sql, params)).rowCount ?? 0,
  };
}

async function inTransaction<T>(pool: pg.Pool, work: (db: Database) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw translated(cause);
  });
  const inner = databaseOver(client);
  const db: Database = { ...inner, transaction: (nested) => nested(db) };
  try {
    await db.change('begin');
    const result = await work(db);
    await db.change('commit');
    client.release();
    return result;
  } catch (cause) {
    // Why: a connection whose transaction may still be open is thrown away, which rolls it back.
    client.release(true);
    throw cause;
  }
}

async function ask(
  runner: Runner,
  sql: string,
  params: readonly unknown[],
): Promise<pg.QueryResult<pg.QueryResultRow>> {
  try {
    return await runner.query(sql, [...params]);
  } catch (cause) {
    throw translated(cause);
  }
}

function parsedRow<T>(shape: z.ZodType<T>, row: unknown, sql: string): T {
  const parsed = shape.safeParse(row);
  if (parsed.success) return parsed.data;
  // Columns may be queries themselves, in parentheses.
  const own = sql.replaceAll(/\([^()]*\)/g, '');
  const table = /\b(?:from|into|update)\s+(\w+)/i.exec(own)?.[1] ?? 'a query';
  throw fail('catalog_damaged', { table, reason: z.prettifyError(parsed.error) });
}

function translated(cause: unknown): unknown {
  if (cause instanceof HoldfastError) return cause;
  const state = sqlState(cause);
  const isAway = state === undefined || state.startsWith('08') || state.startsWith('57P') || state.startsWith('53');
  return isAway
    ? fail('catalog_unreachable', { reason: cause instanceof Error ? cause.message : 'no reason given' }, cause)
    : cause;
}
