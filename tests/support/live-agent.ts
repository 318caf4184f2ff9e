import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { takeFullBackup } from '#agent/backup/take-full-backup.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import type { BackupOptions, OrderOf } from '#core/agent/order.ts';
import type { SetId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { HostWork } from '#core/ports/host-work.ts';
import type { RunTicket } from '#core/ports/run-book.ts';
import { instanceAccess } from './backup.ts';
import { isShimmed } from './kingbase.ts';
import type { AgentParts, Orchestra, TestAgent } from './orchestra.ts';
import { clock, newId, openAgent, ticketOf } from './orchestra.ts';
import type { Postgres } from './postgres.ts';

const mebi = 1_048_576;

/** An agent in this process that takes real backups of a real instance, ordered by a real Temporal. */
export interface LiveAgent {
  /** A new run: its ticket for the orchestra; the agent knows its order. */
  backup(options: Partial<BackupOptions>, more?: Partial<RunTicket>): Promise<RunTicket>;
  /** The agent that works now. */
  readonly agent: TestAgent;
  /** The log of its runs so far. */
  lines(): readonly string[];
  /** Ends this agent process in all but name and starts the next one on the same home. */
  restart(): Promise<void>;
  /** Pieces of a run that are acknowledged, by the journal of the agent. */
  readonly home: string;
  close(): Promise<void>;
}

interface LiveParts {
  readonly orchestra: Orchestra;
  readonly postgres: Postgres;
  readonly folder: string;
  readonly pool: PoolAccess;
  /** Called when a set is committed, before anybody hears of it. */
  readonly onCommit?: (setId: SetId) => void;
}

/** Fills a table with bytes that no compression shrinks. */
export async function fillWithNoise(postgres: Postgres, mebibytes: number): Promise<void> {
  await postgres.sql('create table noise (id bigserial, body bytea)');
  await postgres.sql('alter table noise alter column body set storage plain');
  for (let i = 0; i < mebibytes; i++) {
    const rows = Array.from({ length: 128 }, () => randomBytes(8000));
    await postgres.sql(
      `insert into noise (body) values ${rows.map((_row, n) => `($${String(n + 1)})`).join(',')}`,
      rows,
    );
  }
  await postgres.sql('checkpoint');
}

/** Makes the pool and starts the agent. */
export async function openLiveAgent({ orchestra, postgres, folder, pool, onCommit }: LiveParts): Promise<LiveAgent> {
  await createPool(pool, clock);
  const home = join(folder, 'agent');
  const instance = isShimmed(postgres) ? await postgres.instance() : await instanceAccess(postgres);
  const hostId = newId('host');
  const orders = new Map<string, OrderOf<'full-backup'>>();
  const deps = { home, clock, newId, neededLog: () => Promise.resolve([]), toolVersion: '0.0.0-test' };
  const lines: string[] = [];
  const parts: AgentParts = {
    onLine: (line) => void lines.push(line),
    ...{ folder: home, hostId, work: workOf(takeFullBackup(deps), onCommit) },
    order: (runId) => {
      const order = orders.get(runId);
      return order === undefined ? Promise.reject(new RangeError(runId)) : Promise.resolve(order);
    },
  };
  const live = { agent: await openAgent(orchestra, parts) };
  return {
    home,
    lines: () => lines,
    get agent() {
      return live.agent;
    },
    backup: (options, more = {}) => {
      const ticket = ticketOf(hostId, {
        ...{ kind: 'full-backup', setId: newId('set'), lane: { owner: instance.resourceId, kind: 'data' } },
        ...more,
      });
      const { runId, setId = newId('set') } = ticket;
      orders.set(runId, {
        ...{ kind: 'full-backup', runId, hostId, setId, instance, pool },
        options: {
          ...{ channels: 2, compression: { mode: 'fast' }, archiveRetention: { mode: 'keep' } },
          ...{ limits: { transferBytesPerSecond: 4 * mebi }, isFastCheckpoint: true },
          ...options,
        },
      });
      return Promise.resolve(ticket);
    },
    restart: async () => {
      await live.agent.stop();
      live.agent = await openAgent(orchestra, parts);
    },
    close: () => live.agent.stop(),
  };
}

/** The real backup and the real verification. */
const workOf = (
  backup: HostWork['takeFullBackup'],
  onCommit: LiveParts['onCommit'],
): Pick<HostWork, 'takeFullBackup' | 'verifySet'> => ({
  takeFullBackup: async (order, step) => {
    const set = await backup(order, step);
    onCommit?.(set.setId);
    return set;
  },
  verifySet: async ({ pool, setId, depth }, step) => {
    const opened = await openPool(pool);
    try {
      return await verifySet({ ...opened, access: pool }, setId, depth, step);
    } finally {
      await opened.close();
    }
  },
});

/** Process ids of the sessions that Holdfast has with an instance. */
export async function sessionsAt(postgres: Postgres): Promise<readonly number[]> {
  const rows = await postgres.sql("select pid from pg_stat_activity where application_name = 'holdfast' order by pid");
  return rows.map(({ pid }) => Number(pid));
}
