import { fail } from '#core/errors/fail.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';

const databaseQuery = `
  select 'subscription ' || s.subname as name from pg_subscription s join pg_database d on d.oid = s.subdbid where d.datname = $1
  union all select 'replication slot ' || slot_name from pg_replication_slots where database::text = $1
  union all select 'prepared transaction ' || gid from pg_prepared_xacts where database::text = $1
  order by 1`;

/**
 * What is bound to a database itself and not to its name: it would go on with the one that is moved aside, and forbid to drop it (PG
 * manual "Logical Replication", "DROP DATABASE"). Throws `transfer_replicated`.
 */
export async function refuseReplicatedDatabase(session: Session, database: string): Promise<void> {
  const rows = await session.query(databaseQuery, [database]);
  refuse(
    `Database "${database}"`,
    rows.map((row) => textOf(row, 'name')),
  );
}

const familyOf = `
  with recursive family(oid) as (
    select c.oid from pg_class c where c.oid = any($1::oid[]) or c.relnamespace = any($1::oid[])
    union select i.inhrelid from pg_inherits i join family f on f.oid = i.inhparent
      join pg_class c on c.oid = i.inhrelid where c.relispartition),
  chosen as (select c.* from pg_class c join family f on f.oid = c.oid where c.relkind in ('r', 'p') and c.relpersistence = 'p')`;

/** Publications of schemas came with PostgreSQL 15. */
const relationsQuery = (major: number): string => `${familyOf}
  select 'publication ' || p.pubname || ' of ' || chosen.oid::regclass::text as name from pg_publication_rel l
    join pg_publication p on p.oid = l.prpubid join chosen on chosen.oid = l.prrelid
  union select 'publication ' || pubname || ' for all tables' from pg_publication where puballtables and exists (select 1 from chosen)
  union select 'subscription ' || s.subname || ' into ' || chosen.oid::regclass::text from pg_subscription_rel r
    join pg_subscription s on s.oid = r.srsubid join chosen on chosen.oid = r.srrelid${
      major < 15
        ? ''
        : `
  union select 'publication ' || p.pubname || ' for tables in schema ' || n.nspname from pg_publication_namespace l
    join pg_publication p on p.oid = l.pnpubid join pg_namespace n on n.oid = l.pnnspid
   where l.pnnspid in (select relnamespace from chosen) or l.pnnspid = any($1::oid[])`
    }
  order by 1`;

/**
 * A swap by rename is no change of rows: subscribers would keep the rows of before and never hear of it. `oids` are those of tables, or
 * of schemas. Throws `transfer_replicated`.
 */
export async function refuseReplicated(live: Session, what: string, oids: readonly string[]): Promise<void> {
  if (oids.length === 0) return;
  const rows = await live.query(relationsQuery(live.serverMajor), [`{${oids.join(',')}}`]);
  refuse(
    what,
    rows.map((row) => textOf(row, 'name')),
  );
}

function refuse(what: string, objects: readonly string[]): void {
  if (objects.length === 0) return;
  const more = objects.length > 10 ? ` and ${String(objects.length - 10)} more` : '';
  throw fail('transfer_replicated', { what, objects: `${objects.slice(0, 10).join(', ')}${more}` });
}
