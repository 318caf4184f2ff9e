import { randomBytes } from 'node:crypto';
import { openSync, closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { runPostgresProgram } from '#scripts/supervisor/postgres-instance.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import type { Filling } from './cluster.ts';
import { proseOf } from './prose.ts';

/** What a cluster is filled with; sizes are GB of data files, more or less. */
export type Fill = (cluster: Filling) => Promise<void>;

/** pgbench scale of one GB (engine.md §G: 140 = 2.1 GB). */
const scalePerGb = 67;
const bytesPerGb = 1_000_000_000;
const blockBytes = 8 << 20;

/** pgbench's own tables: rows of numbers and blanks. */
export const fillWithPgbench =
  (sizeGb: number): Fill =>
  async ({ clients, env }) => {
    const scale = String(Math.max(1, Math.round(sizeGb * scalePerGb)));
    await runPostgresProgram(join(clients, 'pgbench'), ['-i', '-q', '-s', scale], env);
  };

async function run({ connect }: Filling, ...statements: readonly string[]): Promise<void> {
  const client = await connect();
  try {
    await client.query('set synchronous_commit = off');
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Tables of 8 to 64 KiB each, one file a table: no indexes, and no column that would have a table of its own for large values. */
export const fillWithRelations =
  (count: number): Fill =>
  (cluster) =>
    run(
      cluster,
      `do $$ begin
         for i in 1..${String(count)} loop
           execute format('create table r%s as select g as id, md5(g::text)::uuid as name, now() as at from generate_series(1, %s) g',
                          i, 100 + (i * 7919) % 950);
           if i % 500 = 0 then commit; end if;
         end loop;
       end $$`,
    );

/** One row a page (fillfactor 10), the rest of each page empty. */
export const fillSparsely =
  (sizeGb: number): Fill =>
  (cluster) => {
    const pages = String(Math.round((sizeGb * bytesPerGb) / 8192));
    return run(
      cluster,
      'create table sparse (id int, name text) with (fillfactor = 10)',
      `insert into sparse select g, repeat(md5(g::text), 20) from generate_series(1, ${pages}) g`,
    );
  };

/** The server reads rows from a file that this program writes: no driver between. */
function writeFileOf(path: string, bytes: number, next: () => Uint8Array): void {
  const file = openSync(path, 'wx', 0o644);
  try {
    for (let done = 0; done < bytes;) done += writeSync(file, next());
  } finally {
    closeSync(file);
  }
  giveToUnprivileged(path);
}

/** Random bytes in rows of about a page, which neither the server nor a backup can compress. */
export const fillWithRandom =
  (sizeGb: number): Fill =>
  async (cluster) => {
    const path = join(cluster.folder, 'random');
    writeFileOf(path, sizeGb * bytesPerGb, () => randomBytes(blockBytes));
    const rows = String(Math.floor((sizeGb * bytesPerGb) / 8000));
    await run(
      cluster,
      'create table random (id int, body bytea)',
      'alter table random alter body set storage external',
      `insert into random select g, pg_read_binary_file('${path}', g * 8000::bigint, 8000) from generate_series(0, ${rows} - 1) g`,
    );
  };

/** Prose in rows of 1 KB, which the server does not compress, with an index over its beginning. */
export const fillWithText =
  (sizeGb: number): Fill =>
  async (cluster) => {
    const path = join(cluster.folder, 'prose');
    const next = proseOf(blockBytes);
    writeFileOf(path, sizeGb * bytesPerGb, next);
    const rows = String(Math.floor((sizeGb * bytesPerGb) / 1000));
    await run(
      cluster,
      'create table prose (id int, body text)',
      `insert into prose select g, pg_read_file('${path}', g * 1000::bigint, 1000) from generate_series(0, ${rows} - 1) g`,
      'create index on prose (left(body, 40))',
    );
  };
