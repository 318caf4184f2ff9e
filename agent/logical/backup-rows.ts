import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { StreamContent } from '#core/logical/meta.ts';
import type { TableName } from '#core/logical/selection.ts';
import { tableText } from '#core/logical/selection.ts';
import { literal, quoted, quotedTable } from '#core/transfer/names.ts';
import type { Session } from '#agent/database/session.ts';
import { textOf } from '#agent/database/session.ts';
import { codeOf } from '#agent/file-system.ts';
import type { FoundRelation } from './backup-relations.ts';
import { lockError } from './backup-snapshot.ts';
import { chunksOf } from './chunks-of.ts';
import type { StreamWriter, WrittenStream } from './stream-writer.ts';

const columnsSql = `select a.attrelid::text as oid, a.attname::text as name from pg_attribute a
  where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attrelid, a.attnum`;

/** Columns whose values are stored, by oid of their table; generated ones are computed anew (PG manual "Generated Columns"). */
export async function columnsOf(
  session: Session,
  tables: readonly FoundRelation[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const columns = new Map<string, string[]>();
  const rows = await session.query(columnsSql, [tables.map(({ oid }) => oid)]);
  for (const row of rows) {
    const oid = textOf(row, 'oid');
    const list = columns.get(oid);
    if (list === undefined) columns.set(oid, [textOf(row, 'name')]);
    else list.push(textOf(row, 'name'));
  }
  return columns;
}

const sizesSql = `select t.oid::text as oid, pg_table_size(t.oid)::text as bytes from unnest($1::oid[]) as t (oid)`;

/**
 * Bytes of tables with what is stored aside, without indexes, by oid. Asked for when the session has locked them: the server
 * would wait for whoever alters one, for as long as that takes.
 */
export async function sizesOf(
  session: Session,
  tables: readonly FoundRelation[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await session.query(sizesSql, [tables.map(({ oid }) => oid)]);
  return new Map(rows.map((row) => [textOf(row, 'oid'), Number(textOf(row, 'bytes'))]));
}

export interface RowsRequest {
  readonly session: Session;
  readonly database: string;
  readonly encoding: string;
  readonly table: FoundRelation;
  readonly columns: readonly string[];
  readonly lockWaitSeconds: number;
  readonly signal: AbortSignal;
  readonly pace: (bytes: number) => Promise<void>;
}

/**
 * Writes the rows of one table as a stream. Throws `logical_copy_failed`, `logical_lock_waited`, `session_lost`, and what the
 * pool throws.
 */
export async function writeRows(request: RowsRequest, writer: StreamWriter): Promise<WrittenStream> {
  const { session, database, table, signal } = request;
  const rows = session.copyOut(copyOf(request));
  try {
    for await (const chunk of chunksOf(rows)) {
      await request.pace(chunk.length);
      await writer.write(chunk);
    }
    // Why: the stream ends with the last row; what the server says of all of them comes behind it.
    await session.query('select 1');
  } catch (error) {
    signal.throwIfAborted();
    throw rowsError(error, request);
  }
  return writer.end(database, contentOf(table, request.columns, rows.rowCount));
}

function contentOf(table: FoundRelation, columns: readonly string[], rows: number): StreamContent {
  const root = table.above.at(-1);
  return {
    ...{ kind: 'table', schema: table.schema, table: table.table, columns, rows },
    ...(root === undefined ? {} : { root: nameOf(root) }),
    ...(table.isUnlogged ? { isUnlogged: true } : {}),
    ...(table.extensionRows === undefined ? {} : { isOfExtension: true }),
  };
}

const nameOf = ({ schema, table }: TableName): TableName => ({ schema, table });

/** Text in the encoding of the database, whatever the session speaks. */
function copyOf({ table, columns, encoding }: RowsRequest): string {
  const list = columns.map(quoted).join(', ');
  const options = `to stdout with (encoding ${literal(encoding)})`;
  const { extensionRows = '' } = table;
  if (extensionRows !== '') return `copy (select ${list} from only ${quotedTable(table)} ${extensionRows}) ${options}`;
  return `copy ${quotedTable(table)} ${list === '' ? '' : `(${list})`} ${options}`;
}

const lostCodes = /^(57P0[1-5]|08...|ECONNRESET|EPIPE|ETIMEDOUT)$/;

function rowsError(error: unknown, { session, table, database, lockWaitSeconds }: RowsRequest): unknown {
  if (error instanceof HoldfastError) return error;
  if (session.lost.aborted) return session.lost.reason;
  const reason = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  // What has no code of a server comes from the connection.
  if (code === '' || lostCodes.test(code)) return fail('session_lost', { instance: session.instance, reason }, error);
  const locked = lockError(error, tableText(table), lockWaitSeconds);
  if (locked !== error) return locked;
  return fail('logical_copy_failed', { table: `${database}.${tableText(table)}`, reason }, error);
}

/** Sequences whose value is asked for at once. */
const atOnce = 100;

/** Writes where sequences are. A sequence keeps to no snapshot: it was asked after it, so it is never below what the rows need. */
export async function writeSequences(
  session: Session,
  { database, sequences }: { readonly database: string; readonly sequences: readonly FoundRelation[] },
  writer: StreamWriter,
): Promise<WrittenStream> {
  for (let at = 0; at < sequences.length; at += atOnce) {
    const some = sequences.slice(at, at + atOnce);
    const parts = some.map(
      (sequence, i) =>
        `select ${String(i)} as number, last_value::text as value, is_called as called from ${quotedTable(sequence)}`,
    );
    const rows = await session.query(`${parts.join(' union all ')} order by number`);
    const lines = rows.map((row, i) =>
      JSON.stringify([some[i]?.schema, some[i]?.table, textOf(row, 'value'), row['called'] === true]),
    );
    await writer.write(Buffer.from(lines.map((line) => `${line}\n`).join('')));
  }
  return writer.end(database, { kind: 'sequences', rows: sequences.length });
}
