import pg from 'pg';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { DatabaseSelection } from '#core/logical/selection.ts';
import { wholeDatabase } from '#core/logical/selection.ts';
import type { StepContext } from '#core/ports/step.ts';
import { scratchPlace } from '#core/restore/scratch-place.ts';
import type { DatabaseRecoveryOrder, LogicalRestoreOrder } from '#core/transfer/order.ts';
import type { SettleReport, TransferReport } from '#core/transfer/report.ts';
import type { Placed, PlacesTold, SettleVerb, TransferTask } from '#core/transfer/task.ts';
import { restoreLogicalSet } from '#agent/logical/restore-set.ts';
import { recoverDatabases } from '#agent/transfer/recover-databases.ts';
import { settleTransfer } from '#agent/transfer/swap/settle-transfer.ts';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import { askAll } from './ask-all.ts';
import type { BackupBench } from './backup.ts';
import { instanceAccess, newTestId, openBackupBench } from './backup.ts';
import { openLogicalBench } from './logical.ts';
import type { Major, Postgres } from './postgres.ts';
import { openPostgres } from './postgres.ts';
import type { RestoreBench } from './restore.ts';
import { openRestoreBench } from './restore.ts';

/** An instance with databases, sets of it, and an agent that brings some of them back. */
export interface TransferStage {
  readonly postgres: Postgres;
  readonly bench: BackupBench;
  /** Directories with programs, and the account of restored copies, for an agent in a process of its own. */
  readonly programs: readonly string[];
  readonly account: string;
  sql(database: string, ...statements: readonly string[]): Promise<Record<string, unknown>[]>;
  /** Names of databases that are no templates, in order. */
  databases(): Promise<readonly string[]>;
  order(task: Partial<TransferTask>, changes?: Partial<DatabaseRecoveryOrder>): DatabaseRecoveryOrder;
  /** `hears` stands for the catalog: what it throws is what the agent gets. */
  recover(
    order: DatabaseRecoveryOrder,
    changes?: Partial<StepContext>,
    hears?: (told: PlacesTold) => void,
  ): Promise<TransferReport>;
  /** Takes a logical set of some databases and answers its id. */
  logicalSet(...databases: readonly (string | DatabaseSelection)[]): Promise<LogicalRestoreOrder['setId']>;
  logicalOrder(setId: LogicalRestoreOrder['setId'], task: Partial<TransferTask>): LogicalRestoreOrder;
  /** The same. */
  restoreLogical(
    order: LogicalRestoreOrder,
    changes?: Partial<StepContext>,
    hears?: (told: PlacesTold) => void,
  ): Promise<TransferReport>;
  settle(
    does: SettleVerb,
    order: Pick<DatabaseRecoveryOrder, 'runId' | 'hostId'>,
    placed: readonly Placed[],
  ): Promise<SettleReport>;
  /** What the catalog heard last of the swap of a run. */
  readonly told: ReadonlyMap<string, PlacesTold>;
  /** Backs the instance up as it is now. */
  backUp(): Promise<void>;
  close(): Promise<void>;
}

const pathOfTools = async (major: Major): Promise<readonly string[]> =>
  major === 18 || major === 16 ? [await provideClientTools(major)] : [];

const stepOf = (runId: StepContext['runId'], changes: Partial<StepContext> = {}): StepContext => ({
  ...{ runId, signal: new AbortController().signal, limits: () => ({}) },
  ...{ report: () => undefined, log: () => undefined },
  ...changes,
});

const selectionOf = (one: string | DatabaseSelection): DatabaseSelection =>
  typeof one === 'string' ? wholeDatabase(one) : one;

const nothing: TransferTask = { databases: [], tables: [], endsSessions: false, dropsOld: false };

/** `tools`: directories with client programs that go before those of the tests. */
export async function openTransferStage(major: Major, tools: readonly string[] = []): Promise<TransferStage> {
  const postgres = await openPostgres({ major, archive: true });
  const bench = await openBackupBench();
  const restores: RestoreBench = openRestoreBench(bench, postgres);
  const directories = [...tools, postgres.programs, ...(await pathOfTools(major))];
  const instance: InstanceAccess = await instanceAccess(postgres);
  const logical = await openLogicalBench(bench, directories);
  const told = new Map<string, PlacesTold>();
  const telling =
    (runId: string, hears: (told: PlacesTold) => void = () => undefined) =>
    async (places: PlacesTold): Promise<void> => {
      await Promise.resolve();
      hears(places);
      told.set(runId, places);
    };
  const deps = {
    ...{ home: bench.home, clock: { nowMs: () => Date.now() }, newId: newTestId, account: restores.account },
    channel: { putBatch: () => Promise.resolve() },
    programs: () => Promise.resolve(directories),
    logDirectories: () => Promise.resolve([]),
  };
  const sql: TransferStage['sql'] = async (database, ...statements) => {
    const client = new pg.Client({ ...postgres.connection, database });
    client.on('error', () => undefined);
    await client.connect();
    return askAll(client, statements);
  };
  const databasesSql = 'select datname::text as name from pg_database where not datistemplate order by 1';
  return {
    ...{ postgres, bench, programs: directories, account: restores.account, sql },
    databases: async () => (await sql('postgres', databasesSql)).map(({ name }) => String(name)),
    order: (task, changes = {}) => {
      const plan = restores.plan({ target: { at: 'immediate' }, place: scratchPlace });
      const { runId, hostId, pool } = restores.order(plan);
      return {
        ...{ kind: 'database-recovery', runId, hostId, instance, pool, plan, channels: 2, limits: {} },
        task: { ...nothing, ...task },
        ...changes,
      };
    },
    told,
    recover: (order, changes, hears) =>
      recoverDatabases(deps)(order, stepOf(order.runId, changes), telling(order.runId, hears)),
    logicalSet: async (...databases) => {
      const selection = { of: 'chosen' as const, databases: databases.map(selectionOf) };
      return (await logical.take(logical.order(instance, selection))).setId;
    },
    logicalOrder: (setId, task) => ({
      ...{ kind: 'logical-restore', runId: newTestId('run'), hostId: newTestId('host'), instance, pool: bench.pool },
      ...{ setId, channels: 3, limits: {}, task: { ...nothing, ...task } },
    }),
    restoreLogical: (order, changes, hears) =>
      restoreLogicalSet(deps)(order, stepOf(order.runId, changes), telling(order.runId, hears)),
    settle: (does, { runId, hostId }, placed) => {
      const task = { does, of: runId, placed, endsSessions: true };
      const order = { kind: 'settle-transfer' as const, runId: newTestId('run'), hostId, instance, task };
      return settleTransfer()(order, stepOf(runId));
    },
    backUp: async () => {
      const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
      restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
    },
    close: async () => {
      await restores.close();
      bench.close();
      await postgres.close();
    },
  };
}

/** Everything in a database that a transfer may lose, as one text. */
export const fingerprint = `
  select md5(string_agg(line, e'\\n' order by line)) as hash from (
    select 'order ' || to_jsonb(o)::text as line from shop.orders o
    union all select 'item ' || to_jsonb(i)::text from shop.items i
    union all select 'event ' || tableoid::regclass || to_jsonb(e)::text from shop.events e
    union all select 'blob ' || loid || encode(data, 'hex') from pg_largeobject
    union all select 'sequence ' || last_value || is_called from shop.orders_id_seq
    union all select 'index ' || indexdef from pg_indexes where schemaname = 'shop'
    union all select 'policy ' || policyname || coalesce(qual, '') from pg_policies where schemaname = 'shop'
    union all select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid
               where not t.tgisinternal and c.relnamespace = 'shop'::regnamespace
    union all select 'view ' || to_jsonb(v)::text from shop.totals v
    union all select 'rights ' || relname || coalesce(relacl::text, '') || relrowsecurity from pg_class
               where relnamespace = 'shop'::regnamespace and relkind in ('r', 'p', 'v', 'm')
  ) lines`;

/** A database with everything that a transfer must carry: sequences, large objects, partitions, generated columns, row security. */
export const shop: readonly string[] = [
  'create schema shop',
  `create table shop.orders (id serial primary key, customer text not null, net numeric not null,
     gross numeric generated always as (net * 1.19) stored, placed timestamptz not null default now())`,
  `create table shop.items (id int generated always as identity primary key, order_id int not null references shop.orders, what text not null)`,
  'create index items_what on shop.items (what)',
  'create table shop.events (at date not null, what text) partition by range (at)',
  `create table shop.events_2025 partition of shop.events for values from ('2025-01-01') to ('2026-01-01')`,
  `create table shop.events_2026 partition of shop.events for values from ('2026-01-01') to ('2027-01-01')`,
  `create function shop.refuse() returns trigger language plpgsql as $$ begin raise exception 'rows come by hand only'; end $$`,
  `insert into shop.orders (customer, net) select 'customer ' || g, g from generate_series(1, 200) g`,
  `insert into shop.items (order_id, what) select 1 + g % 200, e'tab\\there and back\\\\slash ' || g from generate_series(1, 500) g`,
  `insert into shop.events select date '2025-06-01' + g, 'event ' || g from generate_series(1, 400) g`,
  'create trigger refuse before insert on shop.items for each row execute function shop.refuse()',
  'create materialized view shop.totals as select customer, sum(net) as net from shop.orders group by customer',
  'alter table shop.orders enable row level security',
  `create policy own_orders on shop.orders using (customer = current_user)`,
  'grant select on shop.orders to shop_reader',
  `select lo_from_bytea(0, 'a large object')`,
];
