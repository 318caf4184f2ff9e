import type { Client } from 'pg';
import pg from 'pg';
import type { EmbeddedPostgres } from '../supervisor/embedded-postgres.ts';

/** By which our own sessions on the source are told from those of Holdfast. */
export const sessionName = 'chaos-harness';

/** Where a server listens, and as whom to come. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export const addressOf = ({ socketDirectory, port, user, password }: EmbeddedPostgres): Address => ({
  ...{ host: socketDirectory, port, user, password },
});

/** A session of ours on any instance; it must be ended. */
export async function connect(address: Address, database = 'postgres'): Promise<Client> {
  const sql = new pg.Client({ ...address, database, application_name: sessionName });
  sql.on('error', () => undefined);
  await sql.connect();
  return sql;
}
