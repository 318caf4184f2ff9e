import type { Session } from '#agent/database/session.ts';
import type { Target } from '#agent/transfer/target.ts';

/** A session of one database for a while. */
export async function inDatabase<T>(
  target: Target,
  database: string,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await target.open(database);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}
