import pg from 'pg';
import { z } from 'zod';
import { stopCopy } from '#scripts/demo/stop-copy.ts';

const openedShape = z.looseObject({
  outcome: z.looseObject({ result: z.looseObject({ directory: z.string(), socket: z.string(), port: z.number() }) }),
});

/** A restored copy that is open, by the run that restored it. */
export interface RestoredCopy {
  query(statement: string): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
  /** Ends the session and stops the server. */
  stop(): Promise<void>;
}

/** Connects to the copy that a restore run told of. */
export async function connectTo(run: unknown, password: string): Promise<RestoredCopy> {
  const { directory, socket, port } = openedShape.parse(run).outcome.result;
  const client = new pg.Client({ host: socket, port, user: 'postgres', password, database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  return {
    query: (statement) => client.query<Record<string, unknown>>(statement),
    stop: async () => {
      await client.end();
      await stopCopy(directory);
    },
  };
}
