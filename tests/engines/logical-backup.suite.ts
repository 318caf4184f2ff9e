import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import { tableText, wholeDatabase } from '#core/logical/selection.ts';
import type { LogicalSetSummary } from '#core/logical/set-summary.ts';
import { openSession } from '#agent/database/session.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { createCheapPool } from '#tests/support/cheap-pool.ts';
import type { LogicalBench } from '#tests/support/logical.ts';
import { bytesOfStream, openLogicalBench, streamOfTable } from '#tests/support/logical.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

const reader = fileURLToPath(new URL('../../docs/format-reader/read-logical-set.mjs', import.meta.url));

/** Everything that a dump treats in a way of its own. */
const furnish = `
  create schema "Odd ""Names"".*";
  create table "Odd ""Names"".*"."ta.b?le" ("co,l" text, "Ünï" int);
  insert into "Odd ""Names"".*"."ta.b?le" values (E'tab\\there\\nand \\\\', 1), (null, 2), ('磐石', 3);
  create table public.orders (id bigint generated always as identity primary key, note text not null,
    doubled int generated always as (length(note) * 2) stored, gone int, paid boolean default false);
  alter table public.orders drop column gone;
  insert into public.orders (note) select repeat(md5(g::text), 30) from generate_series(1, 3000) g;
  create table public.empty (id int);
  create table public.no_columns ();
  insert into public.no_columns default values;
  create unlogged table public.scratch as select g as id from generate_series(1, 10) g;
  create table public.parts (id int, at date) partition by range (id);
  create table public.parts_low partition of public.parts for values from (0) to (100) partition by hash (at);
  create table public.parts_low_0 partition of public.parts_low for values with (modulus 2, remainder 0);
  create table public.parts_low_1 partition of public.parts_low for values with (modulus 2, remainder 1);
  create table public.parts_high partition of public.parts for values from (100) to (1000);
  insert into public.parts select g, date '2026-01-01' + g from generate_series(1, 300) g;
  create sequence public.counter start 40;
  select nextval('public.counter'), nextval('public.counter');
  create sequence public.untouched;
  create view public.seen as select id from public.orders;
  create materialized view public.kept as select count(*) as n from public.orders;
  select lo_from_bytea(4711, decode(repeat('ab', 50000), 'hex'));
  create schema other;
  create table other.small as select 1 as one;
`;

/** A bench whose pool is encrypted, with a key that is made fast. */
const openSealedBench = async (): Promise<BackupBench> => {
  const bench = await openBackupBench();
  const place = { kind: 'local' as const, directory: join(bench.folder, 'sealed') };
  const pool = { ...bench.pool, poolId: newTestId('pool'), place, secrets: { passphrase: 'words of a test' } };
  await createCheapPool(pool);
  return { ...bench, pool, openPool: () => openPool(pool) };
};

/** The promises of logical backups on one major, in an encrypted pool. */
export function logicalBackupSuite(major: Major): void {
  let postgres: Postgres;
  let bench: BackupBench;
  let logical: LogicalBench;
  let instance: InstanceAccess;
  let set: LogicalSetSummary;

  beforeAll(async () => {
    postgres = await openPostgres({ major });
    bench = await openSealedBench();
    logical = await openLogicalBench(bench);
    instance = await instanceAccess(postgres);
    await postgres.sql('create database shop');
    await postgres.sql('create database "sec ond"');
    const client = await postgres.connect('shop');
    await client.query(furnish);
    await client.end();
    set = await logical.take(logical.order(instance, { of: 'all' }, { channels: 3 }));
  });
  afterAll(async () => {
    bench.close();
    await postgres.close();
  });

  const name = `PostgreSQL ${String(major)}`;

  test(`K-050 K-072 a logical backup holds every row of every database as the server sends it (${name})`, async () => {
    expect(set.databases.map((one) => [one.name, one.isWhole])).toEqual([
      ['postgres', true],
      ['sec ond', true],
      ['shop', true],
    ]);
    await logical.read(set, async (reader) => {
      const session = await openSession(instance, 'shop');
      const tables = reader.meta.streams.filter(
        ({ database, content }) => database === 'shop' && content.kind === 'table',
      );
      expect(tables).toHaveLength(9);
      for (const stream of tables) {
        if (stream.content.kind !== 'table') continue;
        const { schema, table, columns } = stream.content;
        const quoted = [schema, table].map((each) => `"${each.replaceAll('"', '""')}"`).join('.');
        const list = columns.map((each) => `"${each}"`).join(', ');
        const rows = session.copyOut(`copy ${quoted} ${list === '' ? '' : `(${list})`} to stdout`);
        const parts: Buffer[] = [];
        for await (const part of rows) parts.push(Buffer.from(part as Uint8Array));
        const stored = await bytesOfStream(reader, stream);
        expect(stored.equals(Buffer.concat(parts)), tableText({ schema, table })).toBe(true);
        expect(stored.length).toBe(stream.rawBytes);
        expect(stored.toString().split('\n').length - 1).toBe(stream.content.rows);
      }
      await session.close();
    });
  });

  test(`K-050 generated columns are left out, partitions name their root, unlogged rows are there (${name})`, async () => {
    await logical.read(set, (reader) => {
      const of = (table: string) => streamOfTable(reader, 'shop', table).content;
      expect(of('public.orders')).toMatchObject({ columns: ['id', 'note', 'paid'], rows: 3000 });
      expect(of('public.parts_low_0')).toMatchObject({ root: { schema: 'public', table: 'parts' } });
      expect(of('public.scratch')).toMatchObject({ isUnlogged: true, rows: 10 });
      expect(of('public.no_columns')).toMatchObject({ columns: [], rows: 1 });
      return Promise.resolve();
    });
  });

  test(`K-050 definitions, sequences and large objects stand in the order in which they are restored (${name})`, async () => {
    await logical.read(set, async (reader) => {
      const streams = reader.meta.streams.filter(({ database }) => database === 'shop');
      const kinds = streams.map(({ content }) => content.kind).filter((kind) => kind !== 'table');
      expect(kinds).toEqual(['pre-data', 'large-objects', 'sequences', 'post-data']);
      const stream = streams.find(({ content }) => content.kind === 'sequences');
      const lines = stream === undefined ? '' : (await bytesOfStream(reader, stream)).toString();
      const values = lines.split('\n').filter((line) => line !== '');
      expect(values.map((line) => JSON.parse(line) as unknown)).toEqual([
        ['public', 'counter', '41', true],
        ['public', 'orders_id_seq', '3000', true],
        ['public', 'untouched', '1', false],
      ]);
      const tools = await provideClientTools(18);
      const listOf = async (kind: string): Promise<string> => {
        const one = streams.find(({ content }) => content.kind === kind);
        if (one === undefined) return '';
        return execFileSync(join(tools, 'pg_restore'), ['--list'], {
          input: await bytesOfStream(reader, one),
        }).toString();
      };
      expect(await listOf('pre-data')).toMatch(/TABLE public orders/);
      expect(await listOf('post-data')).toMatch(
        /CONSTRAINT public orders orders_pkey[^]*MATERIALIZED VIEW DATA public kept/,
      );
      expect(await listOf('large-objects')).toMatch(/BLOBS?/);
      expect(await listOf('large-objects')).not.toMatch(/TABLE DATA|SEQUENCE SET/);
    });
  });

  test(`K-118 the set says what a database and an instance were, and no password (${name})`, async () => {
    await logical.read(set, (reader) => {
      const facts = reader.meta.databases.find((one) => one.name === 'shop');
      expect(facts).toMatchObject({ owner: 'postgres', encoding: 'UTF8', tablespace: 'pg_default' });
      expect(facts?.roles).toContain('postgres');
      expect(facts?.extensions.map((each) => each.name)).toEqual(['plpgsql']);
      expect(reader.meta.globals.roles.map((each) => each.name)).toContain('postgres');
      expect(JSON.stringify(reader.meta.globals)).not.toMatch(/SCRAM|md5/);
      return Promise.resolve();
    });
  });

  test(`K-050 chosen schemas and tables are taken exactly, with partitions and owned sequences (${name})`, async () => {
    const chosen = {
      ...{ database: 'shop', schemas: ['other', 'Odd "Names".*'], excludeSchemas: [] },
      tables: ['orders', 'parts'].map((table) => ({ schema: 'public', table })),
      excludeTables: [{ schema: 'public', table: 'parts_high' }],
    };
    const part = await logical.take(logical.order(instance, { of: 'chosen', databases: [chosen] }, { channels: 1 }));
    await logical.read(part, (reader) => {
      const rows = reader.meta.streams.flatMap(({ content }) => (content.kind === 'table' ? [tableText(content)] : []));
      expect([...rows].sort()).toEqual([
        'Odd "Names".*.ta.b?le',
        'other.small',
        'public.orders',
        'public.parts_low_0',
        'public.parts_low_1',
      ]);
      const kinds = reader.meta.streams.map(({ content }) => content.kind).filter((kind) => kind !== 'table');
      expect(kinds).toEqual(['pre-data', 'pre-data', 'sequences', 'post-data', 'post-data']);
      return Promise.resolve();
    });
  });

  test(`K-050 an excluded partitioned table is left out with its partitions, rows and definitions (${name})`, async () => {
    const excludeTables = ['parts', 'orders'].map((table) => ({ schema: 'public', table }));
    const databases = [{ ...wholeDatabase('shop'), excludeTables }];
    const part = await logical.take(logical.order(instance, { of: 'chosen', databases }));
    await logical.read(part, async (opened) => {
      const rows = opened.meta.streams.flatMap(({ content }) => (content.kind === 'table' ? [content.table] : []));
      expect(rows.filter((table) => /parts|orders/.test(table))).toEqual([]);
      const pre = opened.meta.streams.find(({ content }) => content.kind === 'pre-data');
      const input = pre === undefined ? '' : await bytesOfStream(opened, pre);
      const tools = await provideClientTools(18);
      const list = execFileSync(join(tools, 'pg_restore'), ['--list'], { input }).toString();
      expect(list).toMatch(/TABLE public scratch/);
      expect(list).not.toMatch(/TABLE public (parts|orders)/);
    });
  });

  test(`K-050 a reader without a line of the product reads the same streams (${name})`, async () => {
    const [target, passphrase] = [join(bench.folder, 'streams'), join(bench.folder, 'words')];
    writeFileSync(passphrase, 'words of a test\n');
    execFileSync(process.execPath, [reader, join(bench.folder, 'sealed'), set.setId, target, passphrase]);
    await logical.read(set, async (opened) => {
      const { streams } = opened.meta;
      expect(readdirSync(target)).toHaveLength(streams.length + 1);
      for (const [at, stream] of streams.entries()) {
        const file = `${String(at + 1).padStart(6, '0')}.${stream.content.kind}`;
        expect(readFileSync(join(target, file)).equals(await bytesOfStream(opened, stream)), file).toBe(true);
      }
    });
  });
}
