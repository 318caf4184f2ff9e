import { join } from 'node:path';
import { runPostgresProgram } from '#scripts/supervisor/postgres-instance.ts';
import type { BenchCluster } from './cluster.ts';

/** What happens to a cluster of pgbench between a full backup and the incrementals that are measured. */
export interface Change {
  readonly name: string;
  readonly apply: (cluster: BenchCluster) => Promise<void>;
}

async function run({ connect }: BenchCluster, ...statements: readonly string[]): Promise<void> {
  const client = await connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** One row in each of so many pages drawn at random: the rows lie where they lay when the table was filled, 61 a page. */
const updateRandomPages =
  (percent: number): Change['apply'] =>
  (cluster) =>
    run(
      cluster,
      `with size as (select relpages::float as pages, reltuples as rows from pg_class where relname = 'pgbench_accounts'),
            drawn as (select distinct 1 + floor(random() * rows)::int as aid
                        from size, generate_series(1, (pages * ${String(percent / 100)})::int))
       update pgbench_accounts set abalance = abalance + 1 where aid in (select aid from drawn)`,
    );

/** `count` is SQL. */
const appendRows =
  (count: string): Change['apply'] =>
  (cluster) =>
    run(
      cluster,
      `insert into pgbench_history select 1, 1, g, g, now(), 'appended' from generate_series(1, (${count})::int) g`,
    );

const transact =
  (count: number): Change['apply'] =>
  async ({ clients, env }) => {
    await runPostgresProgram(join(clients, 'pgbench'), ['-n', '-t', String(count), 'postgres'], env);
  };

/** The change of design §9, by which the ratio of incrementals is judged. */
export const judgedChange: Change = { name: '2 000 transactions', apply: transact(2000) };

export const changes: readonly Change[] = [
  { name: 'untouched', apply: () => Promise.resolve() },
  judgedChange,
  { name: 'append-only', apply: appendRows(`select reltuples / 10 from pg_class where relname = 'pgbench_accounts'`) },
  { name: '1 % of pages', apply: updateRandomPages(1) },
  { name: '10 % of pages', apply: updateRandomPages(10) },
];

/** What makes log of all kinds, some 150 MB of it each time: many small records, images of whole pages, single transactions. */
export const logChanges: readonly Change[] = [
  { name: 'many rows', apply: appendRows('1000000') },
  { name: 'some pages', apply: updateRandomPages(10) },
  judgedChange,
];

/** Applies a change and lets it reach the disk: what is measured begins with the same caches for all. */
export async function applyChange(cluster: BenchCluster, change: Change): Promise<void> {
  await change.apply(cluster);
  await run(cluster, 'checkpoint');
}
