import type { TableName } from '#core/logical/selection.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { FailedStatement } from '#core/transfer/report.ts';
import { quotedTable } from '#core/transfer/names.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { codeOf } from '#agent/file-system.ts';

/** In the source, which is ours alone; a retried attempt finds there what it emptied before. */
const book = 'holdfast_tmp_views.held';

const populatedQuery = `
  select n.nspname::text as schema, c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind = 'm' and c.relispopulated and n.nspname::text = any($1::text[])`;

/**
 * Empties the populated materialized views of staged schemas in the source and answers them: so a copy does not fill them while it lies under
 * a temporary name, where a function that names its schema in a text would read the live one. `fillHeld` fills them in their places.
 */
export async function holdViewsBack(source: Session, staging: readonly string[]): Promise<readonly TableName[]> {
  await source.query('begin');
  await source.query('create schema if not exists holdfast_tmp_views');
  await source.query(`create table if not exists ${book} (schema text not null, name text not null)`);
  const populated = viewsOf(await source.query(populatedQuery, [staging]));
  await source.query(`insert into ${book} ${populatedQuery}`, [staging]);
  for (const view of populated) await source.query(`refresh materialized view ${quotedTable(view)} with no data`);
  const held = viewsOf(
    await source.query(`select schema, name from ${book} where schema = any($1) order by 1, 2`, [staging]),
  );
  await source.query('commit');
  return held;
}

const viewsOf = (rows: Awaited<ReturnType<Session['query']>>): readonly TableName[] =>
  rows.map((row) => ({ schema: textOf(row, 'schema'), table: textOf(row, 'name') }));

/** A server says so of a view that reads one which is not filled yet: object_not_in_prerequisite_state. */
const isTooEarly = '55000';

/**
 * Fills materialized views in the transaction that put them into their places: what they read is what was restored, and nobody ever sees them
 * empty. The server runs each query by the rights of the view's owner (PG manual "REFRESH MATERIALIZED VIEW"). One that reads another comes
 * behind it, by whatever way it reads it: the server refuses to read one that is not filled. What fails is answered in order and stays empty.
 * Throws `cancelled`.
 */
export async function fillHeld(
  live: Session,
  views: readonly TableName[],
  signal: AbortSignal,
): Promise<readonly FailedStatement[]> {
  const failed: FailedStatement[] = [];
  let waiting = views;
  while (waiting.length > 0) {
    const early: { readonly view: TableName; readonly failure: FailedStatement }[] = [];
    for (const view of waiting) {
      const failure = await fill(live, view, signal);
      if (failure?.sqlState === isTooEarly) early.push({ view, failure });
      else if (failure !== undefined) failed.push(failure);
    }
    if (early.length === waiting.length) failed.push(...early.map(({ failure }) => failure));
    waiting = early.length === waiting.length ? [] : early.map(({ view }) => view);
  }
  refuseCancelled(signal);
  return failed;
}

/** What the server says when it refuses one; the transaction goes on behind it. */
async function fill(live: Session, view: TableName, signal: AbortSignal): Promise<FailedStatement | undefined> {
  const statement = `refresh materialized view ${quotedTable(view)}`;
  refuseCancelled(signal);
  await live.query('savepoint filling');
  try {
    await live.query(statement);
    await live.query('release savepoint filling');
    return undefined;
  } catch (error) {
    if (live.lost.aborted || !(error instanceof HoldfastError)) throw error;
    refuseCancelled(signal);
    await live.query('rollback to savepoint filling');
    const { reason, privilege } = error.params;
    const message = reason ?? privilege ?? error.message;
    return { object: `MATERIALIZED VIEW ${quotedTable(view)}`, sqlState: codeOf(error.cause), message, statement };
  }
}

function refuseCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw fail('cancelled', { what: 'the transfer' });
}
