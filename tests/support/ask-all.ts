import type pg from 'pg';

/** Runs statements one after another in a session that is ended with them, and answers the rows of the last one. */
export async function askAll(client: pg.Client, statements: readonly string[]): Promise<Record<string, unknown>[]> {
  try {
    let rows: Record<string, unknown>[] = [];
    for (const one of statements) rows = (await client.query<Record<string, unknown>>(one)).rows;
    return rows;
  } finally {
    await client.end();
  }
}
