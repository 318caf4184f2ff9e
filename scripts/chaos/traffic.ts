import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Address } from './session.ts';
import { connect } from './session.ts';

/** A time by the clock of the source at which it had exactly the first so many rows of the ledger. */
export interface Moment {
  readonly time: string;
  readonly rows: number;
}

/** A small steady load: one row after the other, each its own transaction. */
export interface Traffic {
  /** Newest first. */
  moments(): readonly Moment[];
  close(): Promise<void>;
}

const everyMs = 100;
const keptMoments = 50;
/** Rows with a body big enough that log and incremental backups have something to carry. */
const bodyBytes = 2000;

/** Rows of the ledger of any instance: how many there are, and the highest id, which is the same when none is missing. */
export const ledgerText = 'select count(*)::int as rows, coalesce(max(id), 0)::int as highest from traffic.ledger';

export async function openTraffic(source: Address): Promise<Traffic> {
  const sql = await connect(source);
  await sql.query('create schema traffic');
  await sql.query('create table traffic.ledger (id int primary key, body bytea not null)');
  let moments: Moment[] = [];
  const ending = new AbortController();
  const write = async (rows: number): Promise<void> => {
    await sql.query('insert into traffic.ledger values ($1, $2)', [rows, randomBytes(bodyBytes)]);
    const { rows: told } = await sql.query<{ now: string }>(
      `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
    );
    moments = [{ time: told[0]?.now ?? '', rows }, ...moments].slice(0, keptMoments);
  };
  const writing = (async () => {
    for (let row = 1; !ending.signal.aborted; row++) {
      await write(row);
      await pause(everyMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  // Why: who closes hears of it; nobody else waits for it.
  writing.catch(() => undefined);
  return {
    moments: () => moments,
    close: async () => {
      ending.abort();
      await writing.finally(() => sql.end());
    },
  };
}
