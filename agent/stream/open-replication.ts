import pg from 'pg';
import type { InstanceAccess } from '#core/agent/order.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { instanceName } from '#agent/database/session.ts';
import { streamTo } from '#agent/database/server-socket.ts';
import { codeOf } from '#agent/file-system.ts';
import type { StreamSink, StreamStart } from './start-replication.ts';
import { StartReplication } from './start-replication.ts';

/** A connection in replication mode (PG manual "Streaming Replication Protocol"). */
export interface Replication {
  /** `written`: up to where the server has made its log durable. */
  identify(): Promise<{ readonly systemId: string; readonly timeline: number; readonly written: Lsn }>;
  /** Text of the history file of a timeline, as the server has it. */
  history(timeline: number): Promise<string>;
  /** Only one at a time; `ended` tells when the connection can be asked again. */
  start(start: StreamStart, sink: StreamSink): StartReplication;
  close(): void;
}

const connectTimeoutMs = 15_000;
/** Everything as text: the content of a history file is sent raw under the type bytea. */
const asText = { getTypeParser: () => (value: string | Buffer) => value.toString() };

/** Throws `login_absent`, `stream_refused` (no REPLICATION right, pg_hba.conf, no free sender), `instance_unreachable`. */
export async function openReplication(access: InstanceAccess): Promise<Replication> {
  const { login, socket, port, engine } = access;
  const instance = instanceName(access);
  if (login === undefined) throw fail('login_absent', { instance });
  const client = new pg.Client({
    ...streamTo(access, engineProfile(engine).files.socketPrefix),
    ...{ host: socket, port, user: login.user, password: login.password, database: login.database },
    ...{ application_name: 'holdfast stream', connectionTimeoutMillis: connectTimeoutMs, keepAlive: true },
    ...{ replication: 'true' },
  });
  // Why: what ends the connection is told by the query that runs; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect().catch((cause: unknown) => {
    throw streamError(cause, instance);
  });
  const ask = async (text: string): Promise<Record<string, unknown>> => {
    const { rows } = await client
      .query<Record<string, unknown>>({ text, types: asText })
      .catch((cause: unknown) => Promise.reject(streamError(cause, instance)));
    const [row] = rows;
    if (row === undefined) throw fail('query_failed', { instance, statement: text, reason: 'it answered nothing' });
    return row;
  };
  return {
    identify: async () => {
      const { systemid, timeline, xlogpos } = await ask('IDENTIFY_SYSTEM');
      return { systemId: String(systemid), timeline: Number(timeline), written: parseLsn(String(xlogpos)) };
    },
    history: async (timeline) => String((await ask(`TIMELINE_HISTORY ${String(timeline)}`))['content']),
    start: (start, sink) => client.query(new StartReplication(start, sink)),
    close: () => {
      // Why not `end`: it would wait for a stream that does not end by itself.
      client.connection.stream.destroy();
    },
  };
}

/** What the server or the network said. Only what waiting cannot change is final. */
export function streamError(cause: unknown, instance: string): HoldfastError {
  const reason = cause instanceof Error && cause.message !== '' ? cause.message : codeOf(cause) || String(cause);
  const code = codeOf(cause);
  // 28…, 42501: login and rights. 55000: wal_level. 0A000, 08P01: not a server that streams.
  if (/^(28...|42501|0A000|08P01)$/.test(code)) return fail('stream_refused', { instance, reason }, cause);
  return fail('instance_unreachable', { instance, reason }, cause);
}
