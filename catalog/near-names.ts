import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { nearNames } from '#core/near-names.ts';
import type { Database } from './database.ts';

/** Every name that a person may write for a thing of a kind. */
const namesSql = {
  host: 'select name from host where revoked_at is null',
  resource: 'select name from resource',
  pool: 'select name from pool',
  job: 'select name from job where not is_adhoc and deleted_at is null',
  webhook: `select name from channel where kind = 'webhook'`,
  mail: `select name from channel where kind = 'mail'`,
} as const;

type Named = keyof typeof namesSql;

/** Names that somebody may have meant who wrote one that nothing of its kind has; '' when none is near. Throws `name_blank`. */
export async function nearOf(db: Database, noun: Named, asked: string): Promise<string> {
  if (asked.trim() === '') throw fail('name_blank', { noun });
  const rows = await db.rows(z.object({ name: z.string() }), namesSql[noun]);
  return nearNames(
    rows.map(({ name }) => name),
    asked,
  ).join(', ');
}
