import { fail } from '../errors/fail.ts';
import { cutText } from '../text.ts';

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
  if (!isGood) throw fail('value_malformed', { text: cutText(text, 120), what: 'table', expected: 'schema.table' });
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

/**
 * One row when reading the table of a restored instance runs nothing that came with it: a plain table without rules, policies or
 * expressions of indexes, with columns of the system's types. A database of that name may since be one of somebody else.
 */
export const canaryIsPlainSql = `select 1 as is_plain from pg_class c join pg_namespace s on s.oid = c.relnamespace
  where s.nspname = 'holdfast' and c.relname = 'canary' and c.relkind = 'r' and not c.relhasrules and not c.relrowsecurity
    and not exists (select from pg_inherits i where i.inhparent = c.oid)
    and not exists (select from pg_statistic_ext e where e.stxrelid = c.oid)
    and not exists (select from pg_index i where i.indrelid = c.oid and (i.indexprs is not null or i.indpred is not null))
    and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and a.atttypid >= 16384)`;

export const keptCanaries = 1000;

/**
 * The table and all that hold rows of it (partitions, children), each with the column that is cheapest to send. How rows are counted
 * without running what an owner of a table may have put there: agent/drill/count-static.ts.
 */
export const partsSql = `with recursive part (oid) as (
    select $1::regclass::oid union select i.inhrelid from pg_inherits i join part p on i.inhparent = p.oid)
  select quote_ident(s.nspname) || '.' || quote_ident(c.relname) as name, c.relkind::text as kind,
    exists (select from pg_rewrite r where r.ev_class = c.oid and r.ev_type = '1')::text as is_rewritten,
    (select quote_ident(a.attname) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      order by a.attlen < 0, a.attlen, a.attnum limit 1) as column_name
  from part join pg_class c on c.oid = part.oid join pg_namespace s on s.oid = c.relnamespace order by 1`;

/** What relations are that are no plain or partitioned table (PG manual, pg_class.relkind). */
const kinds: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
  i: 'an index',
  I: 'an index',
  c: 'a type',
};

export const partitionedKind = 'p';

/** Why a relation is not counted; undefined: it is a plain or partitioned table. */
export const notPlain = (kind: string, isRewritten: boolean): string | undefined =>
  kind !== 'r' && kind !== partitionedKind
    ? (kinds[kind] ?? `of kind ${kind}`)
    : isRewritten
      ? 'a table with a rule'
      : undefined;

/** Seconds that all static tables together may take of a log backup: the log waits for them. */
export const countSecondsOfBackup = 10;
/** Of a drill, whose files nothing has read yet. */
export const countSecondsOfDrill = 300;

/** Warning of a log backup whose canary lacks the count of a static table. */
export const staticUncounted = 'static_table_uncounted';

/** A repeated attempt of a run finds the row of the one before. */
export const canaryInsertSql = `insert into holdfast.canary (run_id, counts) values ($1, $2) on conflict (run_id) do nothing`;
export const canaryRowSql = `select seq::text as seq, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
  from holdfast.canary where run_id = $1`;
export const canaryTrimSql = `delete from holdfast.canary where seq <= (select max(seq) from holdfast.canary) - ${String(keptCanaries)}`;
/** NULL: the table could not be counted. */
export const canaryCountsSql = `select key as table_name, value as rows from holdfast.canary, json_each_text(counts::json)
  where run_id = $1 order by key`;
