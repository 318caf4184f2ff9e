import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Order } from '#core/agent/order.ts';
import { bug } from '#core/errors/fail.ts';
import type { HostId, RunId } from '#core/id.ts';
import { formatId } from '#core/id.ts';
import type { AgentChannel, HostWork } from '#core/ports/host-work.ts';
import type { RunTicket } from '#core/ports/run-book.ts';
import { agentService } from '#agent/work/agent-workers.ts';
import { openFence } from '#agent/work/fence.ts';
import { openJobTable } from '#agent/work/job-table.ts';
import { openRunJournal } from '#agent/work/run-journal.ts';
import { openTokenJournal } from '#agent/work/token-journal.ts';
import type { RunInput } from '#workflows/contract.ts';
import { controlQueue, runWorkflow, runWorkflowId } from '#workflows/contract.ts';
import type { executeRun } from '#workflows/execute-run.ts';
import { openTemporalClient } from '#wire/connect.ts';
import { payloadKeyOf } from '#wire/payload-key.ts';
import { serveWorkers } from '#wire/serve-workers.ts';
import { createControlWorker } from '#workers/control-worker.ts';
import { openLaneDoor } from '#workers/lane-door.ts';
import type { MemoryBook } from './memory-book.ts';
import { openMemoryBook } from './memory-book.ts';

export const clock = { nowMs: () => Date.now() };
export const newId = <P extends Parameters<typeof formatId>[0]>(prefix: P) =>
  formatId(prefix, Date.now(), randomBytes(10));
export const testKey = payloadKeyOf(new Uint8Array(32).fill(7));
const bundlePath = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

/** Something that runs until `stop`. */
export interface Running {
  stop(): Promise<void>;
}

export interface Orchestra {
  readonly client: Client;
  readonly book: MemoryBook;
  readonly queuePrefix: string;
  readonly address: string;
  start(ticket: RunTicket): Promise<WorkflowHandle<typeof executeRun>>;
  close(): Promise<void>;
}

/** A control worker with a run book in memory, on a queue prefix of its own. */
export function openOrchestra(address: string): Orchestra {
  const place = { address, namespace: 'default' };
  const client = openTemporalClient(place, testKey);
  const book = openMemoryBook();
  const queuePrefix = `${randomBytes(4).toString('hex')}-`;
  const deps = { book, door: openLaneDoor(client) };
  const settings = { namespace: 'default', queuePrefix, bundlePath, payloadKey: testKey };
  const worker = serve({ place, open: async (connection) => [await createControlWorker(connection, settings, deps)] });
  return {
    client,
    book,
    queuePrefix,
    address,
    start: (ticket) => {
      book.add(ticket);
      const input: RunInput = { runId: ticket.runId, kind: ticket.kind, queuePrefix };
      return client.workflow.start<typeof executeRun>(runWorkflow, {
        workflowId: runWorkflowId(ticket.runId),
        taskQueue: `${queuePrefix}${controlQueue}`,
        args: [input],
      });
    },
    close: async () => {
      await worker.stop();
      await client.connection.close();
    },
  };
}

function serve(service: Pick<Parameters<typeof serveWorkers>[0], 'place' | 'open'>): Running {
  const abort = new AbortController();
  const done = serveWorkers({ ...service, onTrouble: (error) => { process.stderr.write(`test worker: ${String(error)}\n`); } }, abort.signal);
  return {
    stop: () => {
      abort.abort();
      return done;
    },
  };
}

export interface TestAgent extends Running {
  readonly hostId: HostId;
}

export interface AgentParts {
  readonly folder: string;
  readonly hostId: HostId;
  readonly work: Partial<HostWork>;
  readonly order: (runId: string) => Promise<Order>;
}

/** An agent in this process: real queues, job table, fence and journals; orders and work are the test's. */
export async function openAgent(at: Pick<Orchestra, 'address' | 'queuePrefix'>, parts: AgentParts): Promise<TestAgent> {
  const journal = await openRunJournal(join(parts.folder, 'runs'));
  const tokens = await openTokenJournal(join(parts.folder, 'tokens'));
  const jobs = openJobTable({ journal, fence: openFence(), clock, log: () => undefined });
  const queues = {
    place: { address: at.address, namespace: 'default' },
    payloadKey: testKey,
    hostId: parts.hostId,
    queuePrefix: at.queuePrefix,
  };
  const running = serve(
    agentService(
      queues,
      { work: onlyWork(parts.work), channel: channelOf(parts.order), jobs, agentVersion: '0.1.0' },
      tokens,
    ),
  );
  return {
    hostId: parts.hostId,
    stop: async () => {
      const stopped = running.stop();
      await jobs.close();
      await stopped;
    },
  };
}

const unasked = (what: string) => () => {
  throw bug(`this test does not ${what}`);
};

const onlyWork = (work: Partial<HostWork>): HostWork => ({
  takeFullBackup: unasked('take a full backup'),
  takeLogBackup: unasked('take a log backup'),
  restore: unasked('restore'),
  verifySet: unasked('verify'),
  readPool: unasked('read a pool'),
  discover: unasked('discover'),
  preflight: unasked('preflight'),
  checkLogin: unasked('log in'),
  createPool: unasked('create a pool'),
  testPool: unasked('test a pool'),
  ...work,
});

const channelOf = (order: AgentParts['order']): AgentChannel => ({
  order,
  inspection: unasked('inspect'),
  putSet: () => Promise.resolve(),
  putBatch: () => Promise.resolve(),
  putLogLines: () => Promise.resolve(),
});

/** A ticket of a run on a host; the lane is the test's to choose. */
export const ticketOf = (hostId: HostId, more: Partial<RunTicket> = {}): RunTicket => ({
  runId: newId('run'),
  kind: 'no-op',
  hostId,
  lane: { owner: hostId, kind: 'none' },
  reconnectMinutes: 1,
  whenBusy: 'refuse',
  ...more,
});

/** An order of doing nothing for some seconds. */
export const noOpOrder =
  (hostId: HostId, seconds: number) =>
  (runId: string): Promise<Order> =>
    Promise.resolve({ kind: 'no-op', runId: runId as RunId, hostId, seconds });
