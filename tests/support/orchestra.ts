import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Order } from '#core/agent/order.ts';
import { bug } from '#core/errors/fail.ts';
import type { HostId, RunId } from '#core/id.ts';
import { formatId } from '#core/id.ts';
import type { AgentChannel, HostWork } from '#core/ports/host-work.ts';
import type { JobBook } from '#core/ports/job-book.ts';
import type { JobStep, JobTable } from '#core/ports/job-table.ts';
import type { RunTicket } from '#core/ports/run-book.ts';
import type { LogLine } from '#core/run/progress.ts';
import type { RatesNow } from '#core/run/rate.ts';
import { agentService } from '#agent/work/agent-workers.ts';
import { openHookRunner } from '#agent/hooks/hook-runner.ts';
import { openHookTries } from '#agent/hooks/hook-tries.ts';
import { openFence } from '#agent/work/fence.ts';
import { openJobTable } from '#agent/work/job-table.ts';
import { openRunJournal } from '#agent/work/run-journal.ts';
import { openTokenJournal } from '#agent/work/token-journal.ts';
import type { RunInput } from '#workflows/contract.ts';
import { controlQueue, runWorkflow, runWorkflowId } from '#workflows/contract.ts';
import type { executeRun } from '#workflows/execute-run.ts';
import { openTemporalClient } from '#wire/connect.ts';
import { payloadKeyOf } from '#wire/payload-key.ts';
import { openSearchIndex } from '#wire/search-attributes.ts';
import { serveWorkers } from '#wire/serve-workers.ts';
import { createControlWorker } from '#workers/control-worker.ts';
import { openLaneDoor } from '#workers/lane-door.ts';
import type { MemoryBook } from './memory-book.ts';
import { openMemoryBook } from './memory-book.ts';
import './test-runtime.ts';

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
  /** Runs whose outcome was told. */
  readonly told: readonly RunId[];
  readonly queuePrefix: string;
  readonly address: string;
  start(ticket: RunTicket): Promise<WorkflowHandle<typeof executeRun>>;
  /** Another control worker, which remembers nothing; something may be done while there is none. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const noJobs: JobBook = { openScheduled: () => Promise.resolve({ verdict: 'nothing', reason: 'no job here' }) };

/** A control worker with a run book in memory, on a queue prefix of its own. */
export function openOrchestra(address: string, jobs: JobBook = noJobs): Orchestra {
  const place = { address, namespace: 'default' };
  const client = openTemporalClient(place, testKey);
  const book = openMemoryBook();
  const queuePrefix = `${randomBytes(4).toString('hex')}-`;
  const told: RunId[] = [];
  const teller = { tellOutcome: (runId: RunId) => Promise.resolve(void told.push(runId)) };
  const search = openSearchIndex(client, clock);
  const deps = { book, door: openLaneDoor(client), teller, jobs, search };
  const settings = { namespace: 'default', queuePrefix, bundlePath, payloadKey: testKey };
  const open = (): Running =>
    serve({ place, open: async (connection) => [await createControlWorker(connection, settings, deps)] });
  let worker = open();
  return {
    client,
    book,
    told,
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
    restart: async (meanwhile) => {
      await worker.stop();
      await meanwhile?.();
      worker = open();
    },
    close: async () => {
      await worker.stop();
      await client.connection.close();
    },
  };
}

function serve(service: Pick<Parameters<typeof serveWorkers>[0], 'place' | 'open'>): Running {
  const abort = new AbortController();
  const done = serveWorkers(
    {
      ...service,
      onTrouble: (error) => {
        process.stderr.write(`test worker: ${String(error)}\n`);
      },
    },
    abort.signal,
  );
  return {
    stop: () => {
      abort.abort();
      return done;
    },
  };
}

export interface TestAgent extends Running {
  readonly hostId: HostId;
  /** Whether the work of a run has begun here, and whether it is over. */
  began(runId: RunId): boolean;
  ended(runId: RunId): boolean;
  /** The limits its step sees. */
  limits(runId: RunId): RatesNow | undefined;
  /** The most steps that were at work at the same time. */
  mostAtOnce(): number;
}

export interface AgentParts {
  readonly folder: string;
  readonly hostId: HostId;
  readonly work: Partial<HostWork>;
  readonly order: (runId: string) => Promise<Order>;
  /** Directory of scripts, and what a run has of them. */
  readonly scripts?: { readonly directory: string | undefined; readonly of: AgentChannel['hooks'] };
  /** Hears the log of every run. */
  readonly onLine?: (message: string) => void;
}

/** An agent in this process: real queues, job table, fence and journals; orders and work are the test's. */
export async function openAgent(at: Pick<Orchestra, 'address' | 'queuePrefix'>, parts: AgentParts): Promise<TestAgent> {
  const journal = await openRunJournal(join(parts.folder, 'runs'));
  const tokens = await openTokenJournal(join(parts.folder, 'tokens'));
  const tries = await openHookTries(join(parts.folder, 'hooks'));
  const hooks = openHookRunner({ directory: parts.scripts?.directory, tries });
  const log = (_run: RunId, { message }: LogLine): void => {
    parts.onLine?.(message);
  };
  const table = openJobTable({ journal, fence: openFence(), clock, log });
  const watch = watchJobs(table);
  const queues = {
    place: { address: at.address, namespace: 'default' },
    payloadKey: testKey,
    hostId: parts.hostId,
    queuePrefix: at.queuePrefix,
  };
  const running = serve(
    agentService(
      queues,
      { work: onlyWork(parts.work), channel: channelOf(parts), hooks, jobs: watch.jobs, agentVersion: '0.1.0' },
      tokens,
    ),
  );
  return {
    hostId: parts.hostId,
    ...watch.seen,
    stop: async () => {
      const stopped = running.stop();
      await table.close();
      await stopped;
    },
  };
}

/** The real job table, with a look at the steps it runs. */
function watchJobs(table: JobTable): { readonly jobs: JobTable; readonly seen: Omit<TestAgent, 'hostId' | 'stop'> } {
  const steps = new Map<RunId, { readonly step: JobStep; isOver: boolean }>();
  let most = 0;
  const jobs: JobTable = {
    setLimits: (runId, limits) => table.setLimits(runId, limits),
    setPaused: (runId, isPaused) => table.setPaused(runId, isPaused),
    attach: (order, begin) =>
      table.attach(order, async (step) => {
        const mine = { step, isOver: false };
        steps.set(order.runId, mine);
        most = Math.max(most, [...steps.values()].filter(({ isOver }) => !isOver).length);
        return begin(step).finally(() => {
          mine.isOver = true;
        });
      }),
  };
  return {
    jobs,
    seen: {
      began: (runId) => steps.has(runId),
      ended: (runId) => steps.get(runId)?.isOver === true,
      limits: (runId) => steps.get(runId)?.step.limits(),
      mostAtOnce: () => most,
    },
  };
}

/** Waits until a state is seen; the deadline is that of a test that has gone wrong. */
export async function eventually(isSo: () => boolean | Promise<boolean>, deadlineMs = 30_000): Promise<void> {
  for (const end = Date.now() + deadlineMs; !(await isSo());) {
    await delay(50);
    if (Date.now() > end) throw bug(`not seen in ${String(deadlineMs)} ms: ${isSo.toString().slice(0, 200)}`);
  }
}

const unasked = (what: string) => () => {
  throw bug(`this test does not ${what}`);
};

const onlyWork = (work: Partial<HostWork>): HostWork => ({
  takeFullBackup: unasked('take a full backup'),
  lookAtScratch: unasked('look at the place of scratch instances'),
  tryCanary: unasked('try a canary'),
  takeLogBackup: unasked('take a log backup'),
  streamLog: unasked('stream log'),
  recoverDatabases: unasked('recover databases'),
  restoreLogicalSet: unasked('restore a logical set'),
  settleTransfer: unasked('settle a transfer'),
  restore: unasked('restore'),
  verifySet: unasked('verify'),
  mergeSet: unasked('merge'),
  extractSet: unasked('extract'),
  takeLogicalBackup: unasked('take a logical backup'),
  careForLogicalSets: unasked('care for logical sets'),
  lookAtTree: unasked('look at a content tree'),
  lookForNames: unasked('look for names'),
  readPool: unasked('read a pool'),
  careForPool: unasked('care for a pool'),
  copyPool: unasked('copy a pool'),
  markSet: unasked('mark a set'),
  discover: unasked('discover'),
  preflight: unasked('preflight'),
  checkLogin: unasked('log in'),
  lookAtPlace: unasked('look at a place'),
  askTarget: unasked('ask a drill target'),
  createPool: unasked('create a pool'),
  testPool: unasked('test a pool'),
  rotateKey: unasked('rotate a key'),
  runDrill: unasked('drill'),
  restoreLog: unasked('fetch log'),
  kitFacts: unasked('make a recovery kit'),
  lookIntoSet: unasked('look into a set'),
  ...work,
});

const channelOf = ({ order, scripts }: AgentParts): AgentChannel => ({
  order,
  inspection: unasked('inspect'),
  hooks: scripts?.of ?? unasked('run scripts'),
  putSet: () => Promise.resolve(),
  putBatch: () => Promise.resolve(),
  putLogicalSet: () => Promise.resolve(),
  claimLogicalSet: unasked('claim a logical set'),
  tellLogicalRemoval: () => Promise.resolve(),
  tellLogicalVerdict: () => Promise.resolve(),
  putMark: () => Promise.resolve(),
  putTruncation: () => Promise.resolve(),
  claimDeletion: unasked('claim'),
  tellDrill: unasked('tell of a drill'),
  confirmTarget: () => Promise.resolve(),
  closeReport: () => Promise.resolve(false),
  tellPlaced: () => Promise.resolve(),
  nextToScrub: unasked('scrub'),
  tellScrubbed: () => Promise.resolve(),
  tellDeleted: () => Promise.resolve(),
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
