import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import type { Postgres } from './postgres.ts';

/** Draws a whole number below the given one. The same seed draws the same numbers: a failure names it. */
export type Draw = (below: number) => number;

/** xorshift32. */
export function drawFrom(seed: number): Draw {
  let state = seed === 0 ? 1 : seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const tables = ['t0', 't1', 't2', 't3'] as const;
const makeTable = (table: string): readonly string[] => [
  `create table ${table} (id int, v int, pad text)`,
  `create index on ${table} (id)`,
  `insert into ${table} select g, g % 100, repeat(md5(g::text), 5) from generate_series(1, 4000) g`,
];

/** Tables, a tablespace and a database to begin with. */
export async function prepareWorkload(postgres: Postgres): Promise<void> {
  const space = join(postgres.folder, 'space');
  mkdirSync(space, { mode: 0o700 });
  giveToUnprivileged(space);
  const client = await postgres.connect();
  await client.query(`create tablespace extra location '${space}'`);
  for (const table of tables) for (const statement of makeTable(table)) await client.query(statement);
  await client.query('create table big (id int, body text)');
  await client.query('alter table big alter column body set storage external');
  await client.query('create sequence counter');
  await client.query('create database first');
  await client.end();
}

interface Work {
  readonly draw: Draw;
  readonly client: pg.Client;
  readonly postgres: Postgres;
  readonly table: string;
}

type Operation = (work: Work) => Promise<unknown>;

const run =
  (...statements: readonly string[]) =>
  async ({ client, table }: Work): Promise<void> => {
    for (const statement of statements) await client.query(statement.replaceAll('$t', table));
  };

const rows = (from: number, to: number): string =>
  `insert into $t select g, g % 97, repeat(md5(g::text), 5) from generate_series(${String(from)}, ${String(to)}) g`;
const indexes = [
  'create index on $t (v, id)',
  'create index on $t using hash (v)',
  `create index on $t using gin (to_tsvector('simple', pad))`,
  'create index on $t using brin (v)',
  'create index on $t using gist (box(point(v, v), point(id, id)))',
];

async function newDatabase({ draw, client, postgres }: Work): Promise<void> {
  const name = `d${String(draw(4))}`;
  await client.query(`drop database if exists ${name}`);
  const strategies = ['strategy wal_log', 'strategy file_copy'];
  const strategy = postgres.major >= 15 ? (strategies[draw(2)] ?? '') : '';
  await client.query(`create database ${name} template ${draw(2) === 0 ? 'template0' : 'first'} ${strategy}`);
  const inside = await postgres.connect(name);
  await inside.query(`create table inside_${name} as select g from generate_series(1, 3000) g`);
  await inside.end();
}

async function moveDatabase({ draw, client }: Work): Promise<void> {
  await client.query(`alter database first set tablespace ${draw(2) === 0 ? 'extra' : 'pg_default'}`);
}

const operations: Readonly<Record<string, Operation>> = {
  update: (work) => run(`update $t set v = v + 1 where id % ${String(2 + work.draw(400))} = 0`)(work),
  insert: (work) => run(rows(5000, 5000 + work.draw(8000)), 'select count(*) from $t')(work),
  delete: (work) => run(`delete from $t where id % ${String(2 + work.draw(20))} = 1`, 'vacuum $t')(work),
  shrink: (work) => run(`delete from $t where id > ${String(work.draw(4000))}`, 'vacuum $t')(work),
  rewrite: run('vacuum full $t'),
  freeze: run('vacuum freeze $t'),
  truncate: (work) => run('truncate $t', rows(1, work.draw(3000)))(work),
  refill: run(rows(1, 9000), 'checkpoint', 'truncate $t', rows(1, 9000)),
  index: (work) => run(indexes[work.draw(indexes.length)] ?? '')(work),
  reindex: run('reindex table $t'),
  renew: (work) => run('drop table $t', ...makeTable(work.table))(work),
  database: newDatabase,
  moveDatabase,
  dropDatabase: ({ draw, client }) => client.query(`drop database if exists d${String(draw(4))}`),
  tablespace: (work) => run(`alter table $t set tablespace ${work.draw(2) === 0 ? 'extra' : 'pg_default'}`)(work),
  unlogged: run('alter table $t set unlogged', 'update $t set v = v + 1', 'alter table $t set logged'),
  stayUnlogged: (work) => run(`alter table $t set ${work.draw(2) === 0 ? 'unlogged' : 'logged'}`)(work),
  abort: run('begin', rows(20_000, 24_000), 'rollback', 'select count(*) from $t'),
  hints: run('update $t set v = v where id % 3 = 0', 'checkpoint', 'select count(*), sum(v) from $t'),
  toast: run(
    `insert into big select g, (select string_agg(md5(random()::text), '') from generate_series(1, 200)) from generate_series(1, 60) g`,
  ),
  sequence: run(`select nextval('counter') from generate_series(1, 50)`),
  checkpoint: run('checkpoint'),
};

/** Does so many operations, chosen by chance, and tells which. */
export async function work(postgres: Postgres, draw: Draw, count: number): Promise<readonly string[]> {
  const names = Object.keys(operations);
  const done: string[] = [];
  const client = await postgres.connect();
  for (let i = 0; i < count; i++) {
    const name = names[draw(names.length)] ?? 'checkpoint';
    const table = tables[draw(tables.length)] ?? 't0';
    done.push(`${name} ${table}`);
    await operations[name]?.({ draw, client, postgres, table });
  }
  await client.end();
  return done;
}
