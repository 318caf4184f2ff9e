import { fail } from '../errors/fail.ts';

/** What a log backup writes into a database that opted in. */
export interface CanaryOfResource {
  readonly database: string;
  /** `schema.table`, quoted where they have to be; their rows never change. */
  readonly staticTables: readonly string[];
}

/** What a log backup wrote. */
export interface CanaryWritten {
  readonly seq: number;
  readonly at: string;
  readonly database: string;
  /** The row lies before this position. */
  readonly lsn: string;
}

const part = /^(?:[\p{L}_][\p{L}\p{N}_$]*|"(?:[^"\0]|"")+")$/u;

/** `schema.table` as it may stand in a statement. Throws `value_malformed`. */
export function parseTableName(text: string): string {
  const parts = text.match(/(?:"(?:[^"]|"")*"|[^."])+/gu) ?? [];
  const isGood = parts.length === 2 && parts.join('.') === text && parts.every((one) => part.test(one));
  if (!isGood) throw fail('value_malformed', { text: text.slice(0, 120), what: 'table', expected: 'schema.table' });
  return text;
}

/** Rows stay few: each log backup keeps the newest. */
export const canarySetup: readonly string[] = [
  'create schema if not exists holdfast',
  `create table if not exists holdfast.canary (seq bigint generated always as identity primary key,
     at timestamptz not null default clock_timestamp(), run_id text not null unique, counts text not null)`,
];

/**
 * One row when the table is ours: who made a table of that name first, or owns its schema, could run what he likes as the login of the
 * log backup, by a trigger or a rule.
 */
export const canaryIsOursSql = `select 1 as is_ours
  from pg_class c join pg_namespace s on s.oid = c.relnamespace
    join pg_roles t on t.oid = c.relowner join pg_roles o on o.oid = s.nspowner
  where s.nspname = 'holdfast' and c.relname = 'canary' and c.relkind = 'r' and not c.relhastriggers and not c.relhasrules
    and (t.rolsuper or t.rolname = current_user) and (o.rolsuper or o.rolname = current_user)`;

export const keptCanaries = 1000;

export const countSql = (table: string): string => `select count(*)::text as n from ${parseTableName(table)}`;

/** A repeated attempt of a run finds the row of the one before. */
export const canaryInsertSql = `insert into holdfast.canary (run_id, counts) values ($1, $2) on conflict (run_id) do nothing`;
export const canaryRowSql = `select seq::text as seq, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
  from holdfast.canary where run_id = $1`;
export const canaryTrimSql = `delete from holdfast.canary where seq <= (select max(seq) from holdfast.canary) - ${String(keptCanaries)}`;
export const canaryCountsSql = `select key as table_name, value as rows from holdfast.canary, json_each_text(counts::json)
  where run_id = $1 order by key`;
