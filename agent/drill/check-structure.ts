import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { quoted } from '#core/transfer/names.ts';
import type { Session } from '#agent/database/session.ts';
import { textOf } from '#agent/database/session.ts';
import type { Finding } from './run-check.ts';
import { failed, passed, skipped } from './run-check.ts';

const mostNamed = 10;

/** Valid B-tree indexes that hold something and belong to no other session. */
const indexesSql = `select c.oid::text as oid, c.oid::regclass::text as name from pg_class c
  join pg_am a on a.oid = c.relam join pg_index i on i.indexrelid = c.oid
  where a.amname = 'btree' and c.relkind = 'i' and c.relpersistence = 'p' and i.indisready and i.indisvalid order by c.oid`;
const tablesSql = `select c.oid::text as oid, c.oid::regclass::text as name from pg_class c join pg_am a on a.oid = c.relam
  where a.amname = 'heap' and c.relkind in ('r', 'm', 't') and c.relpersistence = 'p' order by c.oid`;

/** The data may have brought the extension, in a schema of its own choice. */
const placeSql = `select n.nspname::text as name from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'amcheck'`;

interface Found {
  looked: number;
  readonly bad: string[];
}

/**
 * B-tree indexes, and tables where the server can, by the extension amcheck of the server programs (PG manual "amcheck"). It is made
 * in the restored instance alone and goes again: that may stay open. One that came with the data stays.
 */
export async function checkStructure(
  open: (database: string) => Promise<Session>,
  databases: readonly string[],
  signal: AbortSignal,
): Promise<Finding> {
  const found: Found = { looked: 0, bad: [] };
  let databasesLooked = 0;
  for (const database of databases) {
    const session = await open(database);
    try {
      const known = await session.query("select 1 as is_there from pg_available_extensions where name = 'amcheck'");
      if (known.length === 0) return skipped('the server programs of this host have no amcheck');
      await withAmcheck(session, async () => {
        const place = quoted(textOf(await session.queryOne(placeSql), 'name'));
        await lookAtAll({ session, place, found, signal }, database);
      });
      databasesLooked++;
    } finally {
      await session.close();
    }
  }
  if (found.bad.length > 0) return failed(found.bad.slice(0, mostNamed).join('; '));
  return passed(`${String(found.looked)} relations of ${String(databasesLooked)} databases`);
}

/** Says whose it is: an attempt that was killed leaves one behind, which the next one takes away. */
const ours = 'made by a Holdfast drill';

async function withAmcheck(session: Session, use: () => Promise<void>): Promise<void> {
  const [own] = await session.query(
    "select coalesce(obj_description(oid, 'pg_extension'), '') as words from pg_extension where extname = 'amcheck'",
  );
  if (own !== undefined && textOf(own, 'words') !== ours) {
    await use();
    return;
  }
  await session.query('begin');
  await session.query('create extension if not exists amcheck with schema pg_catalog');
  await session.query(`comment on extension amcheck is '${ours}'`);
  await session.query('commit');
  try {
    await use();
  } finally {
    await session.query('drop extension amcheck');
  }
}

interface Look {
  readonly session: Session;
  /** Schema of the extension, in quotes. */
  readonly place: string;
  readonly found: Found;
  readonly signal: AbortSignal;
}

async function lookAtAll({ session, place, found, signal }: Look, database: string): Promise<void> {
  const lookAt = async (oid: string, name: string, statement: string): Promise<void> => {
    signal.throwIfAborted();
    found.looked++;
    const bad = await badnessOf(session, statement, oid);
    if (bad !== undefined) found.bad.push(`${database}.${name}: ${bad}`);
  };
  for (const row of await session.query(indexesSql))
    await lookAt(
      textOf(row, 'oid'),
      textOf(row, 'name'),
      `select null as msg where ${place}.bt_index_check($1::regclass)::text = '-'`,
    );
  if (session.serverMajor < 14) return;
  for (const row of await session.query(tablesSql))
    await lookAt(
      textOf(row, 'oid'),
      textOf(row, 'name'),
      `select msg from ${place}.verify_heapam($1::regclass) limit 1`,
    );
}

async function badnessOf(session: Session, statement: string, oid: string): Promise<string | undefined> {
  try {
    const [row] = await session.query(statement, [oid]);
    return row === undefined ? undefined : textOf(row, 'msg');
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'query_failed') return error.params['reason'] ?? error.message;
    throw error;
  }
}
