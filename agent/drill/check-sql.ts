import type { DrillSql } from '#core/drill/drill.ts';
import type { Session } from '#agent/database/session.ts';
import { openSession, textOf } from '#agent/database/session.ts';
import type { Scratch } from '#agent/scratch/open-scratch.ts';
import { within } from './check-instance.ts';
import type { Finding } from './run-check.ts';
import { failed, passed } from './run-check.ts';

/** Since when a role may be made a reader of everything (PostgreSQL manual, "Predefined Roles"). */
const firstWithReaders = 14;

/**
 * One statement of the operator, in a read only transaction with a time limit, by a role of this check that may read all data and
 * nothing else: a superuser could run programs of the host from a transaction that is read only (COPY … TO PROGRAM).
 */
export async function checkSql(scratch: Scratch, asked: DrillSql): Promise<Finding> {
  const { database, statement, expected, timeoutSeconds } = asked;
  const user = await within(scratch, (session) => makeReader(session, database), database);
  const session = await openSession({ ...scratch.access, login: { user, password: '', database } }, database, 'as-set');
  try {
    await session.query(`set statement_timeout = '${String(timeoutSeconds)}s'`);
    await session.query('begin transaction read only');
    const [row] = await session.querySingle(statement);
    const [value] = row === undefined ? [] : Object.values(row);
    if (row === undefined) return failed(`no row, expected "${expected}"`);
    const text = wordsOf(value);
    return text === expected ? passed(`"${text}"`) : failed(`"${text}", expected "${expected}"`);
  } finally {
    await session.close();
  }
}

/**
 * A new role, gone with the instance: one that came with the data could be a member of anything. Policies of rows do not hide rows from
 * it, as they did not hide them from whoever wrote down what is expected.
 */
async function makeReader(session: Session, database: string): Promise<string> {
  const made = await session.queryOne(
    `select 'holdfast_drill_' || md5(random()::text || clock_timestamp()::text) as name, quote_ident($1) as database`,
    [database],
  );
  const name = textOf(made, 'name');
  await session.query(`create role ${name} login nosuperuser nocreatedb nocreaterole noreplication bypassrls`);
  await session.query(`grant connect on database ${textOf(made, 'database')} to ${name}`);
  if (session.serverMajor >= firstWithReaders) {
    await session.query(`grant pg_read_all_data to ${name}`);
    return name;
  }
  const schemas = await session.query(
    "select quote_ident(nspname) as name from pg_namespace where nspname !~ '^(pg_|sys_)' and nspname <> 'information_schema'",
  );
  for (const schema of schemas) {
    await session.query(`grant usage on schema ${textOf(schema, 'name')} to ${name}`);
    await session.query(`grant select on all tables in schema ${textOf(schema, 'name')} to ${name}`);
  }
  return name;
}

function wordsOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}
