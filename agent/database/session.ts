import pg from 'pg';
import type { QueryConfig, QueryResult } from 'pg';
import type { Readable, Writable } from 'node:stream';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import type { InstanceAccess } from '#core/agent/order.ts';
import { bug, fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import type { ServerIdentity } from '#core/engine/server-identity.ts';
import type { Spell } from '#core/engine/spelling.ts';
import { asWritten } from '#core/engine/spelling.ts';
import { codeOf } from '#agent/file-system.ts';
import { probeServer } from './probe-server.ts';
import { textOf } from './row.ts';
import type { Row } from './row.ts';
import { streamTo } from './server-socket.ts';
import { cutText } from '#core/text.ts';

export { bytesOf, flagOf, textOf } from './row.ts';
export type { Row } from './row.ts';

/** One SQL session with an instance. All calls throw `session_lost` once the server or the network ended it. */
export interface Session {
  /** Server version number, e.g. 150020. */
  readonly serverVersion: number;
  readonly serverMajor: number;
  /** What the server says it is. */
  readonly identity: ServerIdentity;
  /** Where the instance is, for messages: `socket:port`. */
  readonly instance: string;
  /** Names of PostgreSQL's catalog as this server has them. `query` spells statements itself; texts that are parameters need it. */
  readonly spell: Spell;
  /**
   * Rows of one statement, which names system functions and relations as PostgreSQL does, by column in lower case. Throws
   * `privilege_missing`, `query_failed`, `session_lost`.
   */
  query(statement: string, parameters?: readonly unknown[]): Promise<readonly Row[]>;
  /** Rows of a text that somebody else wrote: the server refuses it when it is more than one statement (extended protocol). Throws as `query`. */
  querySingle(statement: string): Promise<readonly Row[]>;
  /** The only row of a statement. */
  queryOne(statement: string, parameters?: readonly unknown[]): Promise<Row>;
  /** Aborted, with the error as reason, when the session ends without `close`. */
  readonly lost: AbortSignal;
  /** Rows of a `COPY … TO STDOUT` as they come. The stream fails with what the driver says (SQLSTATE in `code`). One at a time, nothing beside it. */
  copyOut(statement: string): RowsOut;
  /** Takes rows of a `COPY … FROM STDIN`; fails as `copyOut`. */
  copyIn(statement: string): RowsIn;
  close(): Promise<void>;
}

/** `rowCount` is right when the stream has ended. */
export type RowsOut = Readable & { readonly rowCount: number };
export type RowsIn = Writable & { readonly rowCount: number };

const connectTimeoutMs = 15_000;
/** What a lost socket, a terminated backend and a stopping server look like to node-pg. */
const lostCodes = /^(57P0[1-5]|08...|ECONNRESET|EPIPE|ETIMEDOUT)$/;
const refusedCodes = /^(28...|3D000)$/;
/**
 * What the system has is found, and all else by its schema alone. Why: who owns a database may make functions and operators in `public`, or in
 * any schema of a path of his own, that fit what we ask better than those of the system: they would run as a superuser (PG manual
 * "Schemas", secure usage patterns; CVE-2018-1058).
 */
const systemPath = 'set search_path to pg_catalog, pg_temp';

/** `as-set`: the path of role and database stays, for a text of somebody else by a role that may do nothing else. */
export type SearchPath = 'system' | 'as-set';

/**
 * Logs in. The session outlives a copy of hours: no server-side time limit applies to it. Throws `login_absent`,
 * `login_refused`, `instance_unreachable`, `version_unsupported`, and for a server that must not be touched what its profile says
 * (K-117: `engine_build_blocked`).
 */
export async function openSession(
  access: InstanceAccess,
  database?: string,
  path: SearchPath = 'system',
): Promise<Session> {
  const instance = instanceName(access);
  const { login } = access;
  if (login === undefined) throw fail('login_absent', { instance });
  const profile = engineProfile(access.engine);
  const client = new pg.Client({
    ...streamTo(access, profile.files.socketPrefix),
    host: access.socket,
    port: access.port,
    user: login.user,
    password: login.password,
    database: database ?? login.database,
    application_name: 'holdfast',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  });
  const lost = watchLoss(client, instance);
  try {
    await client.connect();
  } catch (cause) {
    throw connectError(cause, instance, login.user);
  }
  const bound = { instance, user: login.user, lost };
  const session = sessionOf(client, bound, asWritten);
  try {
    if (path === 'system') await session.query(systemPath);
    const { spell, identity } = await probeServer(session, profile);
    const serverVersion = Number(textOf(await session.queryOne('show server_version_num'), 'server_version_num'));
    const serverMajor = Math.floor(serverVersion / 10_000);
    for (const setting of profile.sql(serverMajor).sessionSettings) await session.query(setting);
    return { ...sessionOf(client, bound, spell), spell, identity, serverVersion, serverMajor };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** `socket:port` of an instance, the way every message names it. */
export const instanceName = (access: InstanceAccess): string => `${access.socket}:${String(access.port)}`;

interface LossWatch {
  readonly signal: AbortSignal;
  lose(cause: unknown): HoldfastError;
  expectEnd(): void;
}

function watchLoss(client: pg.Client, instance: string): LossWatch {
  const control = new AbortController();
  let isExpected = false;
  const lose = (cause: unknown): HoldfastError => {
    const error = fail('session_lost', { instance, reason: reasonOf(cause) }, cause);
    if (!isExpected && !control.signal.aborted) control.abort(error);
    return error;
  };
  client.on('error', lose);
  client.on('end', () => lose('the connection was closed'));
  return {
    signal: control.signal,
    lose,
    expectEnd: () => {
      isExpected = true;
    },
  };
}

type Bound = { readonly instance: string; readonly user: string; readonly lost: LossWatch };

/** A session before anything is known about its server. */
type BareSession = Pick<
  Session,
  'instance' | 'query' | 'querySingle' | 'queryOne' | 'lost' | 'copyOut' | 'copyIn' | 'close'
>;

/** The driver has `queryMode`, its types do not. */
type HowToQuery = Pick<QueryConfig, 'values'> & { readonly queryMode?: 'extended' };

function sessionOf(client: pg.Client, bound: Bound, spell: Spell): BareSession {
  const { instance, lost } = bound;
  const run = async (asked: string, how: HowToQuery): Promise<readonly Row[]> => {
    if (lost.signal.aborted) throw lost.signal.reason;
    const text = spell(asked);
    let result: QueryResult<Row>;
    try {
      result = await client.query<Row>({ text, ...how });
    } catch (cause) {
      throw queryError(cause, text, bound);
    }
    return result.rows.map(inLowerCase);
  };
  const query: Session['query'] = (asked, parameters = []) => run(asked, { values: [...parameters] });
  return {
    instance,
    query,
    querySingle: (asked) => run(asked, { queryMode: 'extended' }),
    queryOne: async (statement, parameters) => {
      const [row, ...more] = await query(statement, parameters);
      if (row === undefined || more.length > 0) throw bug(`"${statement}" did not answer one row`);
      return row;
    },
    lost: lost.signal,
    copyOut: (asked) => client.query(copyTo(spell(asked))),
    copyIn: (asked) => client.query(copyFrom(spell(asked))),
    close: async () => {
      lost.expectEnd();
      await client.end();
    },
  };
}

function queryError(cause: unknown, statement: string, { instance, user, lost }: Bound): HoldfastError {
  const code = codeOf(cause);
  const hasNoServerCode = code === '';
  if (lostCodes.test(code) || hasNoServerCode) return lost.lose(cause);
  if (code === '42501')
    return fail(
      'privilege_missing',
      { instance, user, privilege: reasonOf(cause), remedy: `grant it to "${user}"` },
      cause,
    );
  return fail('query_failed', { instance, statement: cutText(statement, 120), reason: reasonOf(cause) }, cause);
}

function connectError(cause: unknown, instance: string, user: string): HoldfastError {
  if (refusedCodes.test(codeOf(cause)) || /password|SASL|authentication/i.test(reasonOf(cause))) {
    return fail('login_refused', { instance, user, reason: reasonOf(cause) }, cause);
  }
  return fail('instance_unreachable', { instance, reason: reasonOf(cause) }, cause);
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // A failed connect to several addresses has no message of its own.
  return cause.message === '' ? codeOf(cause) || cause.name : cause.message;
}

/** KingbaseES folds names that are not quoted to upper case in some modes. */
function inLowerCase(row: Row): Row {
  const names = Object.keys(row);
  if (names.every((name) => name === name.toLowerCase())) return row;
  return Object.fromEntries(names.map((name) => [name.toLowerCase(), row[name]]));
}
