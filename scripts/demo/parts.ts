import { isSabotaged } from './sabotage.ts';
import type { Moment } from './moment.ts';
import type { Stage } from './stage.ts';
import type { TableProof } from './workload.ts';
import { proveTables } from './workload.ts';

const timeoutMs = 150_000;

/** The database beside the one that everything else happens in. */
export const shopDatabase = 'shop';

/** Content hash of every table of a database; a session of its own, so that nobody is in the way of a swap afterwards. */
export async function proveDatabase(stage: Stage, database: string): Promise<readonly TableProof[]> {
  const sql = await stage.source.connect(database);
  try {
    return await proveTables(sql);
  } finally {
    await sql.end();
  }
}

/** A database of its own on the instance, for one that goes back while the others go on. */
export async function createShop({ sql, source }: Stage): Promise<void> {
  await sql.query(`create database ${shopDatabase}`);
  const shop = await source.connect(shopDatabase);
  try {
    await shop.query('create table orders (id bigserial primary key, buyer text, cents bigint)');
    await shop.query(`insert into orders (buyer, cents) select 'buyer ' || i, i from generate_series(1, 20000) i`);
  } finally {
    await shop.end();
  }
}

/** Somebody forgets a condition. */
export async function spoilShop({ source }: Stage): Promise<void> {
  const shop = await source.connect(shopDatabase);
  await shop.query('update orders set cents = 0').finally(() => shop.end());
}

export interface LogicalSet {
  readonly id: string;
  readonly storedBytes: number;
}

const lostTable = { schema: 'public', table: 'invoice' };

/** A logical backup of the table that is going to be lost. */
export async function backUpTable({ client, resource, pool }: Stage): Promise<LogicalSet> {
  const selection = { of: 'chosen', databases: [{ database: 'postgres', tables: [lostTable] }] };
  const { id } = await client.post<{ id: string }>('/logical-backups', { resource, pool, selection });
  const { run } = await client.untilDone(id, timeoutMs);
  const set = await client.get<{ id: string; summary: { storedBytes: number } }>(`/logical-sets/${run.setId ?? ''}`);
  return { id: set.id, storedBytes: set.summary.storedBytes };
}

/** Restores the lost table into the live database; its rows are compared with what the source said before the mistake. */
export async function bringTableBack(stage: Stage, set: LogicalSet, { tables }: Moment): Promise<void> {
  const { client, resource, sql, checks } = stage;
  const wanted = tables.filter(({ table }) => table === lostTable.table);
  const body = { set: set.id, tables: [{ database: 'postgres', ...lostTable }], consent: resource };
  const { id } = await client.post<{ id: string }>('/logical-restores', body);
  await client.untilDone(id, timeoutMs);
  if (isSabotaged(stage, 'table-comes-back')) await sql.query('update invoice set cents = cents + 1 where id = 1');
  const found = (await proveTables(sql)).filter(({ table }) => table === lostTable.table);
  const rows = wanted[0]?.rows ?? 'no';
  checks.compare('table-comes-back', wanted, found, `content hash of ${rows} rows, restored into the live database`);
}

/** Where the replaced database lies until somebody confirms. */
export interface RecoveredDatabase {
  readonly keptAs: string;
}

/** Recovers one database to the moment; the other one is hashed before and after, and must not have moved. */
export async function recoverDatabase(stage: Stage, moment: Moment): Promise<RecoveredDatabase> {
  const { client, resource, sql, checks } = stage;
  const others = await proveTables(sql);
  const { id } = await client.post<{ id: string }>('/database-recoveries', {
    resource,
    target: { at: 'time', time: moment.time },
    databases: [shopDatabase],
    consent: resource,
    channels: 2,
  });
  const { run } = await client.untilDone(id, timeoutMs);
  if (isSabotaged(stage, 'database-comes-back')) await spoilShop(stage);
  if (isSabotaged(stage, 'other-databases-go-on'))
    await sql.query(`update customer set note = 'sabotage' where id = 1`);
  checks.compare(
    'database-comes-back',
    moment.shop,
    await proveDatabase(stage, shopDatabase),
    `content hash of ${moment.shop[0]?.rows ?? 'no'} rows of database ${shopDatabase}`,
  );
  checks.compare(
    'other-databases-go-on',
    others,
    await proveTables(sql),
    `content hashes of ${String(others.length)} tables of database postgres, before and after`,
  );
  const placed = (run.outcome?.result?.['placed'] ?? []) as readonly { readonly keptAs?: string }[];
  return { keptAs: placed[0]?.keptAs ?? 'nothing' };
}
