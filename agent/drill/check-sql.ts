import type { DrillSql } from '#core/drill/drill.ts';
import type { RunId } from '#core/id.ts';
import type { Session } from '#agent/database/session.ts';
import { openSession, textOf } from '#agent/database/session.ts';
import type { Scratch } from '#agent/scratch/open-scratch.ts';
import { within } from './check-instance.ts';
import type { Finding } from './run-check.ts';
import { failed, passed } from './run-check.ts';

/** Since when a role may be made a reader of everything (PostgreSQL manual, "Predefined Roles"). */
const firstWithReaders = 14;

/** A role of a run for one of its statements: no database that was backed up before the run began has a role of that name. */
export const readerOf = (runId: RunId, statement: number): string => `holdfast_drill_${runId}_${String(statement)}`;

/**
 * One statement of the operator, in a read only transaction with a time limit that is rolled back, by a role of this check that may read
 * all data and nothing else: a superuser could run programs of the host from a transaction that is read only (COPY … TO PROGRAM). The
 * role goes when the statement has ended, and with it all that was ever cluster-wide of it: the instance may stay open.
 */
export async function checkSql(
  scratch: Scratch,
  asked: DrillSql,
  { reader, signal }: { readonly reader: string; readonly signal: AbortSignal },
): Promise<Finding> {
  const { database } = asked;
  await within(scratch, (session) => makeReader(session, database, reader), database);
  try {
    return await ask(scratch, asked, { reader, signal });
  } finally {
    await within(scratch, (session) => dropReader(session, reader), database);
  }
}

/** How long the server may take to end a statement whose time is over. */
const graceSeconds = 15;

async function ask(
  scratch: Scratch,
  asked: DrillSql,
  { reader: user, signal }: { readonly reader: string; readonly signal: AbortSignal },
): Promise<Finding> {
  const { database, timeoutSeconds } = asked;
  const session = await openSession({ ...scratch.access, login: { user, password: '', database } }, database, 'as-set');
  // Why not the limit of the server alone: code that never looks whether it is to end would hold the drill, and a cancelled one, for ever.
  const isOver = AbortSignal.timeout((timeoutSeconds + graceSeconds) * 1000);
  const end = AbortSignal.any([signal, isOver]);
  const leave = (): void => void session.close();
  end.addEventListener('abort', leave);
  try {
    return await answerOf(session, asked);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!isOver.aborted) throw error;
    return failed(`no answer within ${String(timeoutSeconds)} s, and the server could not end it`);
  } finally {
    end.removeEventListener('abort', leave);
    await session.close();
  }
}

async function answerOf(session: Session, { statement, expected, timeoutSeconds }: DrillSql): Promise<Finding> {
  await session.query(`set statement_timeout = '${String(timeoutSeconds)}s'`);
  await session.query('begin transaction read only');
  const [row] = await session.querySingle(statement);
  await session.query('rollback');
  const [value] = row === undefined ? [] : Object.values(row);
  if (row === undefined) return failed(`no row, expected "${expected}"`);
  const text = wordsOf(value);
  return text === expected ? passed(`"${text}"`) : failed(`"${text}", expected "${expected}"`);
}

/**
 * A new role: one that came with the data could be a member of anything. Policies of rows do not hide rows from it, as they did not hide
 * them from whoever wrote down what is expected. One of an attempt that was killed goes first.
 */
async function makeReader(session: Session, database: string, name: string): Promise<void> {
  await dropReader(session, name);
  await session.query(`create role ${name} login nosuperuser nocreatedb nocreaterole noreplication bypassrls`);
  await letIn(session, database, name);
  if (session.serverMajor >= firstWithReaders) {
    await session.query(`grant pg_read_all_data to ${name}`);
    return;
  }
  const schemas = await session.query(
    "select quote_ident(nspname) as name from pg_namespace where nspname !~ '^(pg_|sys_)' and nspname <> 'information_schema'",
  );
  for (const schema of schemas) {
    await session.query(`grant usage on schema ${textOf(schema, 'name')} to ${name}`);
    await session.query(`grant select on all tables in schema ${textOf(schema, 'name')} to ${name}`);
  }
}

/** Most databases let everybody in; where nothing is granted, the rights of the database stay as they are to the letter. */
async function letIn(session: Session, database: string, name: string): Promise<void> {
  const asked = 'select quote_ident($1) as name, has_database_privilege($2::name, $1, $3)::text as may';
  const found = await session.queryOne(asked, [database, name, 'CONNECT']);
  if (textOf(found, 'may') !== 'true')
    await session.query(`grant connect on database ${textOf(found, 'name')} to ${name}`);
}

/** Its grants in this database and on it go with it: it never got others, and owns nothing. A statement that did not end is ended. */
async function dropReader(session: Session, name: string): Promise<void> {
  const found = await session.query('select rolname from pg_roles where rolname = $1', [name]);
  if (found.length === 0) return;
  await session.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [name]);
  await session.query(`drop owned by ${name}`);
  await session.query(`drop role ${name}`);
}

function wordsOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}
