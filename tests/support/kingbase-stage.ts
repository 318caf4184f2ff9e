import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { BaseOfBackup, BackupOptions, InstanceAccess } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import type { BackupBench } from './backup.ts';
import { openBackupBench } from './backup.ts';
import type { Kingbase, KingbaseOptions } from './kingbase.ts';
import { openKingbase } from './kingbase.ts';
import { connectKingbase } from './kingbase-template.ts';
import type { Minio } from './minio.ts';
import { bucketOf, openMinio } from './minio.ts';
import type { RestoreBench } from './restore.ts';
import { openRestoreBench } from './restore.ts';

/** A shimmed instance with data in two databases and a tablespace, and a pool to back it up to. */
export interface KingbaseStage {
  readonly kingbase: Kingbase;
  readonly instance: InstanceAccess;
  readonly bench: BackupBench;
  readonly restores: RestoreBench;
  /** Of the one tablespace. */
  readonly space: { readonly oid: string; readonly path: string };
  backUp(options?: Partial<BackupOptions>, base?: BaseOfBackup): Promise<SetSummary>;
  backUpLog(): Promise<void>;
  /** One digest per table of both databases: of the source, or of what a restore left running. */
  digests(restored?: RestoreReport): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

export interface KingbaseStageOptions extends KingbaseOptions {
  readonly pool?: 'local' | 's3';
  /** The server of an S3 pool; one of its own when absent. */
  readonly minio?: Minio;
  readonly passphrase?: string;
}

const databases = ['test', 'security'];

export const openKingbaseStage = async (options: KingbaseStageOptions = {}): Promise<KingbaseStage> => {
  const own = options.pool === 's3' && options.minio === undefined ? await openMinio() : undefined;
  const minio = options.minio ?? own;
  const kingbase = await openKingbase({ ...options, archive: true });
  const { passphrase } = options;
  const bench = await openBackupBench({
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(minio === undefined ? {} : { remote: bucketOf(minio, `kingbase-${basename(kingbase.folder).toLowerCase()}`) }),
  });
  const restores = openRestoreBench(bench, kingbase);
  const instance = await kingbase.instance();
  const path = `${kingbase.folder}/space`;
  restores.makeTablespaceDirectory(path);
  await furnish(kingbase, path);
  const [row] = await kingbase.sql(`select oid::text from pg_tablespace where spcname = 'fast'`);
  return {
    ...{ kingbase, instance, bench, restores, space: { oid: String(row?.['oid']), path } },
    backUp: async (changes = {}, base) => {
      const order = bench.order(instance, { archiveDirectory: kingbase.archiveDirectory, ...changes });
      const set = await bench.takeFullBackup(base === undefined ? order : { ...order, base }, bench.step(order));
      restores.sets.push(set);
      return set;
    },
    backUpLog: async () => {
      await restores.backUpLog(instance, kingbase.archiveDirectory);
    },
    digests: (restored) => digestsOf(kingbase, restored),
    close: async () => {
      await restores.close();
      bench.close();
      await kingbase.close();
      await own?.close();
    },
  };
};

const furnish = async (kingbase: Kingbase, space: string): Promise<void> => {
  await kingbase.sql(`create tablespace fast location '${space}'`);
  await kingbase.sql('create table orders (id int primary key, note text, at timestamptz default now())');
  await kingbase.sql('create table archive_of_orders (id int, note text) tablespace fast');
  await kingbase.sql('create unlogged table scratch as select 1 as one');
  await kingbase.sql('insert into orders select i, repeat(md5(i::text), 20) from generate_series(1, 5000) i');
  await kingbase.sql('insert into archive_of_orders select id, note from orders where id < 1000');
  const client = await kingbase.connect('security');
  await client.query('create table audit (id serial, line text)');
  await client.query("insert into audit (line) select 'line ' || i from generate_series(1, 500) i");
  await client.end();
};

/** Some changes of every kind to both databases. */
export const change = async ({ kingbase }: KingbaseStage, round: number): Promise<void> => {
  const n = String(round);
  await kingbase.sql(`update orders set note = 'round ${n} ' || note where id % 97 = ${n}`);
  await kingbase.sql(`insert into orders select 100000 * ${n} + i, 'new in ${n}' from generate_series(1, 300) i`);
  await kingbase.sql(`delete from archive_of_orders where id % 13 = ${n}`);
  await kingbase.sql(`create table made_in_${n} as select i, md5(i::text) from generate_series(1, 200) i`);
  await kingbase.sql('vacuum orders');
  const client = await kingbase.connect('security');
  await client.query(`insert into audit (line) values ('round ${n}')`);
  await client.end();
};

const digestsOf = async (kingbase: Kingbase, restored?: RestoreReport): Promise<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const database of databases) {
    const place = { socket: restored?.socket ?? kingbase.socketDirectory, port: restored?.port ?? kingbase.port };
    const client = await connectKingbase({ ...place, user: kingbase.user, database });
    const { rows } = await client.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname = 'public' order by 1`,
    );
    for (const { name } of rows) {
      const { rows: lines } = await client.query<{ line: string }>(`select t::text as line from ${name} t order by 1`);
      const hash = createHash('sha256');
      for (const { line } of lines) hash.update(`${line}\n`);
      found[`${database}.${name}`] = `${String(lines.length)} ${hash.digest('hex')}`;
    }
    await client.end();
  }
  return found;
};
