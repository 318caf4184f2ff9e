import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import type { Postgres } from './postgres.ts';

/** Settings under which two runs of a load write the same kinds of records and nothing else does. */
export const quietSettings = [
  'autovacuum = off',
  'max_prepared_transactions = 5',
  'wal_compression = on',
  'work_mem = 8MB',
];

/** Every access method, toast, a sequence, a materialised view, an unlogged table, a tablespace and two databases. */
export async function beginMixedLoad(server: Postgres): Promise<void> {
  const space = join(server.folder, 'space');
  mkdirSync(space, { mode: 0o700 });
  giveToUnprivileged(space);
  await server.sql(`CREATE TABLESPACE far LOCATION '${space}'`);
  await server.sql('CREATE DATABASE kept');
  await inDatabase(server, 'kept', 'CREATE TABLE k AS SELECT g AS id FROM generate_series(1, 3000) g');
  await server.sql('CREATE DATABASE gone');
  await statements(server, [
    'CREATE TABLE m (id int, v text, a int[], b box, p point)',
    `INSERT INTO m SELECT g, md5(g::text), array[g % 50, g % 7], box(point(g, g), point(g + 1, g + 1)), point(g % 97, g % 89)
       FROM generate_series(1, 4000) g`,
    'CREATE INDEX m_btree ON m (id)',
    'CREATE INDEX m_gin ON m USING gin (a)',
    'CREATE INDEX m_gist ON m USING gist (b)',
    'CREATE INDEX m_hash ON m USING hash (v)',
    'CREATE INDEX m_brin ON m USING brin (id)',
    'CREATE INDEX m_spgist ON m USING spgist (p)',
    'CREATE TABLE fat (id int, v text)',
    'ALTER TABLE fat ALTER v SET STORAGE EXTERNAL',
    'INSERT INTO fat SELECT g, repeat(md5(g::text), 200) FROM generate_series(1, 300) g',
    'CREATE SEQUENCE s',
    'CREATE MATERIALIZED VIEW mv AS SELECT id, v FROM m WHERE id % 10 = 0',
    'CREATE UNLOGGED TABLE u AS SELECT g AS id FROM generate_series(1, 3000) g',
    'CREATE TABLE cut AS SELECT g AS id, md5(g::text) AS v FROM generate_series(1, 20000) g',
    'CREATE TABLE still AS SELECT g AS id, md5(g::text) AS v FROM generate_series(1, 20000) g',
    'CREATE TABLE emptied AS SELECT g AS id FROM generate_series(1, 5000) g',
    'CREATE TABLE dropped AS SELECT g AS id FROM generate_series(1, 5000) g',
    'CREATE TABLE moved TABLESPACE far AS SELECT g AS id FROM generate_series(1, 5000) g',
    'CREATE TABLE rewritten AS SELECT g AS id, md5(g::text) AS v FROM generate_series(1, 5000) g',
    'VACUUM',
  ]);
}

/** Changes all of it: every kind of record that changes files with or without naming blocks. */
export async function goOnWithMixedLoad(server: Postgres): Promise<void> {
  await statements(server, [
    "UPDATE m SET v = v || 'x', a = array[id % 13], p = point(id % 31, id % 7) WHERE id % 5 = 0",
    'DELETE FROM m WHERE id % 11 = 0',
    `INSERT INTO m SELECT g, md5(g::text), array[g % 50, g % 7], box(point(g, g), point(g + 1, g + 1)), point(g % 97, g % 89)
       FROM generate_series(4001, 5000) g`,
    "UPDATE fat SET v = repeat('y', 9000) WHERE id % 9 = 0",
    "SELECT nextval('s') FROM generate_series(1, 100)",
    'REFRESH MATERIALIZED VIEW mv',
    'ALTER TABLE u SET LOGGED',
    'DELETE FROM cut WHERE id > 9000',
    'VACUUM cut',
    "INSERT INTO cut SELECT g, 'again' FROM generate_series(1, 3000) g",
    'SELECT count(v) FROM still',
    'TRUNCATE emptied',
    'INSERT INTO emptied VALUES (1)',
    'DROP TABLE dropped',
    'UPDATE moved SET id = id + 1 WHERE id % 100 = 0',
    'ALTER TABLE moved SET TABLESPACE pg_default',
    'VACUUM FULL rewritten',
    'CREATE INDEX m_new ON m (v)',
    'REINDEX INDEX m_btree',
    'BEGIN; CREATE TABLE never AS SELECT generate_series(1, 3000); TRUNCATE fat; ROLLBACK',
    'BEGIN; SAVEPOINT one; INSERT INTO emptied VALUES (2); RELEASE one; DROP TABLE rewritten; COMMIT',
    "BEGIN; CREATE TABLE prepared (a int); DROP TABLE prepared; PREPARE TRANSACTION 'p'",
    "COMMIT PREPARED 'p'",
    "BEGIN; CREATE TABLE undone (a int); PREPARE TRANSACTION 'q'",
    "ROLLBACK PREPARED 'q'",
    'VACUUM m',
  ]);
  await server.sql('DROP DATABASE gone');
  const strategies = server.major >= 15 ? [' STRATEGY file_copy', ' STRATEGY wal_log'] : [''];
  for (const [i, strategy] of strategies.entries())
    await server.sql(`CREATE DATABASE made${String(i)} TEMPLATE kept${strategy}`);
  // Its files lie where they lay; what changed meanwhile was logged under another tablespace.
  await server.sql('ALTER DATABASE kept SET TABLESPACE far');
  await inDatabase(server, 'kept', 'UPDATE k SET id = -id WHERE id % 500 = 0');
  await server.sql('ALTER DATABASE kept SET TABLESPACE pg_default');
}

async function inDatabase(server: Postgres, database: string, text: string): Promise<void> {
  const client = await server.connect(database);
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

async function statements(server: Postgres, list: readonly string[]): Promise<void> {
  const client = await server.connect();
  try {
    for (const text of list) await client.query(text);
  } finally {
    await client.end();
  }
}
