import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';

/** Bytes of one stored row of `photo`; together with the row count it makes the incompressible part of the demo's data. */
const photoBytes = 8000;
const photosPerInsert = 128;

/** Lays the schema: a heap of incompressible rows, a table in a tablespace, a ledger of commits and the table to lose. */
export async function createSchema(sql: Client, tablespaceDirectory: string): Promise<void> {
  await sql.query(`create tablespace archive_space location '${tablespaceDirectory.replaceAll("'", "''")}'`);
  await sql.query('create table photo (id bigserial primary key, body bytea not null)');
  await sql.query('alter table photo alter column body set storage plain');
  await sql.query('create table invoice (id bigserial primary key, buyer text, cents bigint) tablespace archive_space');
  await sql.query('create table customer (id bigserial primary key, name text unique, note text)');
  await sql.query(
    'create table ledger (id bigserial primary key, note text, at timestamptz default clock_timestamp())',
  );
  await sql.query('create unlogged table scratchpad (id int)');
}

/** Inserts random rows until `mebibytes` are in. */
async function fillPhotos(sql: Client, mebibytes: number): Promise<void> {
  // Why: nothing is promised about these rows before the first backup, whose checkpoint makes them durable.
  await sql.query('set synchronous_commit = off');
  const places = Array.from({ length: photosPerInsert }, (_none, i) => `($${String(i + 1)})`).join(',');
  const inserts = Math.ceil((mebibytes * 1048576) / (photoBytes * photosPerInsert));
  for (let done = 0; done < inserts; done++) {
    const rows = Array.from({ length: photosPerInsert }, () => randomBytes(photoBytes));
    await sql.query({ name: 'photos', text: `insert into photo (body) values ${places}`, values: rows });
  }
}

/** Fills the tables with at least `mebibytes` of data, most of it random, over all the writers at once. */
export async function fill(sql: Client, writers: readonly Client[], mebibytes: number): Promise<void> {
  await Promise.all(writers.map((writer) => fillPhotos(writer, mebibytes / writers.length)));
  await sql.query(`insert into invoice (buyer, cents) select 'buyer ' || i, i * 7 from generate_series(1, 50000) i`);
  await sql.query(
    `insert into customer (name, note) select 'customer ' || i, md5(i::text) from generate_series(1, 20000) i`,
  );
  await sql.query('insert into scratchpad select generate_series(1, 1000)');
  // Rows whose commit is not durable yet get no hint bits from vacuum; the next scan would change their pages in the middle of
  // a backup, and these would count as sent again.
  await sql.query('checkpoint');
  await sql.query('vacuum analyze');
}

/** Commits `count` single-row transactions, so that a point between any two of them exists. */
export async function commitToLedger(sql: Client, note: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await sql.query('insert into ledger (note) values ($1)', [`${note} ${String(i)}`]);
    if (i % 10 === 0) await sql.query(`update customer set note = note || '.' where id % 500 = $1`, [i]);
  }
}

export interface TableProof {
  readonly table: string;
  readonly rows: string;
  /** Order-independent content hash over every row: the sum of the rows' 64-bit hashes. */
  readonly hash: string;
}

/** A row as one text; long binary columns by their MD5, which costs a tenth of their hexadecimal text. */
const rowText = (columns: readonly Column[]): string => {
  const values = columns.map(({ name, type }) => (type === 'bytea' ? `md5(${name})` : name));
  return `row(${values.join(', ')})::text`;
};

interface Column {
  readonly name: string;
  readonly type: string;
}

/** Content hash of every user table as SQL sees it, independent of where the rows lie. */
export async function proveTables(sql: Client): Promise<readonly TableProof[]> {
  const tables = await sql.query<{ name: string; columns: readonly Column[] }>(
    `select quote_ident(relname) as name,
            json_agg(json_build_object('name', quote_ident(attname), 'type', atttypid::regtype) order by attnum) as columns
       from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
      where relkind = 'r' and relpersistence = 'p' and relnamespace = 'public'::regnamespace group by relname order by 1`,
  );
  const proofs: TableProof[] = [];
  for (const { name, columns } of tables.rows) {
    const hash = `hashtextextended(${rowText(columns)}, 7)`;
    const { rows } = await sql.query<{ rows: string; hash: string }>(
      `select count(*)::text as rows, coalesce(sum(${hash}), 0)::text as hash from ${name}`,
    );
    const [row] = rows;
    if (row !== undefined) proofs.push({ table: name, ...row });
  }
  return proofs;
}
