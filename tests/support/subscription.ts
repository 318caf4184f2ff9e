import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import { openSession } from '#agent/database/session.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Postgres } from './postgres.ts';

/** A source that says who takes changes from it. */
export const configOfSource = ['wal_level = logical', 'log_replication_commands = on'];

/** Of a copy: the check of a drill that passes when the subscription is on there. */
export const isEnabled = {
  ...{ name: 'subscription', database: 'inbox', expected: 'true', timeoutSeconds: 30 },
  statement: "select subenabled from pg_subscription where subname = 'taker'",
};

/** A database of a source that subscribes to another one of it, by a slot of its own name. */
export interface Inbox {
  /** Makes the subscription; it is enabled as long as `use` works. */
  subscribed(use: () => Promise<unknown>): Promise<void>;
  slot(): ReturnType<Postgres['sql']>;
  /** How often anybody asked the source for changes. */
  asked(): number;
}

export function openInbox(postgres: Postgres, source: InstanceAccess): Inbox {
  const slot: Inbox['slot'] = () =>
    postgres.sql(
      "select confirmed_flush_lsn::text as at, active::text from pg_replication_slots where slot_name = 'inbox'",
    );
  return {
    slot,
    subscribed: (use) => subscribed({ postgres, source, slot }, use),
    asked: () => readFileSync(postgres.logPath, 'utf8').split('START_REPLICATION').length - 1,
  };
}

interface Parts extends Pick<Inbox, 'slot'> {
  readonly postgres: Postgres;
  readonly source: InstanceAccess;
}

async function subscribed({ postgres, source, slot }: Parts, use: () => Promise<unknown>): Promise<void> {
  const { host, port, user, password } = postgres.connection;
  await postgres.sql('create database inbox');
  await postgres.sql("create publication news for table ledger with (publish = 'insert')");
  await postgres.sql("select pg_create_logical_replication_slot('inbox', 'pgoutput')");
  const session = await openSession(source, 'inbox');
  try {
    await session.query('create table public.ledger (id int)');
    const from = `host=${host} port=${String(port)} user=${user} password=${password} dbname=postgres`;
    await session.query(
      `create subscription taker connection '${from}' publication news with (create_slot = false, slot_name = 'inbox', copy_data = false)`,
    );
    await use();
    await session.query('alter subscription taker disable');
  } finally {
    await session.close();
  }
  expect(await waitFor(async () => (await slot())[0]?.['active'] === 'false', 20_000)).toBe(true);
}
