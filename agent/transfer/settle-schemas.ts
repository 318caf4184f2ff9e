import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import { quoted, undoneName } from '#core/transfer/names.ts';
import type { Placed } from '#core/transfer/task.ts';
import type { Session } from '#agent/database/session.ts';
import { refuseSchemaDependents } from './copy-schemas.ts';
import { inOneTransaction } from './swap-tables.ts';
import { hasSchema } from './table-facts.ts';

export type PlacedSchema = Extract<Placed, { kind: 'schema' }>;

/** Drops a kept schema with all that is in it, and nothing else. Throws `transfer_schema_depends`, `transfer_swap_refused`. */
export async function dropKeptSchema(session: Session, schema: string): Promise<boolean> {
  if (!(await hasSchema(session, schema))) return false;
  await inOneTransaction(session, schema, async () => {
    await refuseSchemaDependents(session, schema);
    await session.query(`drop schema ${quoted(schema)} cascade`);
  });
  return true;
}

/** A kept schema takes its place again; the one that had it is set aside. Throws `transfer_kept_gone`, `transfer_swap_refused`. */
export async function putSchemaBack(session: Session, of: RunId, { name, keptAs }: PlacedSchema): Promise<void> {
  if (keptAs === undefined) return;
  const aside = undoneName(name, of);
  if (!(await hasSchema(session, keptAs))) {
    if (await hasSchema(session, aside)) return;
    throw fail('transfer_kept_gone', { run: of, instance: session.instance, what: keptAs });
  }
  await inOneTransaction(session, name, async () => {
    await refuseSchemaDependents(session, name);
    if (await hasSchema(session, name)) await session.query(`alter schema ${quoted(name)} rename to ${quoted(aside)}`);
    await session.query(`alter schema ${quoted(keptAs)} rename to ${quoted(name)}`);
  });
}
