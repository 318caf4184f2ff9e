import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import type { TableProof } from '../demo/workload.ts';
import { proveTables } from '../demo/workload.ts';
import type { Address } from './session.ts';
import { connect } from './session.ts';

/** The database that logical runs carry. */
export const shopDatabase = 'shop';
/** The database that is replaced, and put back, while everything else stays. */
export const stockDatabase = 'stock';
const rowBytes = 8000;
const rowsPerInsert = 128;
const frozenMebibytes = 24;
const shopMebibytes = 4;
const stockMebibytes = 1;
const smallMebibytes = 8;
const mebibyte = 1_048_576;

async function insertPhotos(sql: Client, mebibytes: number): Promise<void> {
  await sql.query('create table photo (id bigserial primary key, body bytea not null)');
  await sql.query('alter table photo alter column body set storage plain');
  for (let left = Math.ceil((mebibytes * mebibyte) / rowBytes); left > 0; left -= rowsPerInsert) {
    const rows = Array.from({ length: rowsPerInsert }, () => randomBytes(rowBytes));
    await sql.query(`insert into photo (body) values ${rows.map((_row, i) => `($${String(i + 1)})`).join(',')}`, rows);
  }
}

interface Goods {
  readonly mebibytes: number;
  readonly rows: number;
}

async function fillDatabase(source: Address, name: string, { mebibytes, rows }: Goods): Promise<void> {
  const sql = await connect(source, name);
  try {
    await insertPhotos(sql, mebibytes);
    await sql.query(
      `create table orders as select i as id, md5(i::text) as word from generate_series(1, ${String(rows)}) i`,
    );
    await sql.query('vacuum analyze');
  } finally {
    await sql.end();
  }
}

/** Fills what nobody changes afterwards: two tables of the first database, and two databases. */
export async function fillSource(source: Address, sql: Client): Promise<void> {
  await insertPhotos(sql, frozenMebibytes);
  await sql.query('create table customer (id bigserial primary key, name text unique)');
  await sql.query(`insert into customer (name) select 'customer ' || i from generate_series(1, 5000) i`);
  for (const name of [shopDatabase, stockDatabase]) await sql.query(`create database ${name}`);
  await fillDatabase(source, shopDatabase, { mebibytes: shopMebibytes, rows: 20_000 });
  await fillDatabase(source, stockDatabase, { mebibytes: stockMebibytes, rows: 5000 });
  await sql.query('vacuum analyze');
  await sql.query('checkpoint');
}

/** Something for an instance that is restored in its place. */
export async function fillSmall(sql: Client): Promise<void> {
  await insertPhotos(sql, smallMebibytes);
  await sql.query('vacuum analyze');
  await sql.query('checkpoint');
}

/** Content of the frozen tables of the first database. */
export const proveFrozen = (sql: Client): Promise<readonly TableProof[]> => proveTables(sql);

/** Content of the shop, or of what was made of it under another name. */
export async function proveShop(address: Address, database = shopDatabase): Promise<readonly TableProof[]> {
  const sql = await connect(address, database);
  try {
    return await proveTables(sql);
  } finally {
    await sql.end();
  }
}
