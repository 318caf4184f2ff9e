import type { ActivityInterceptorsFactory, NativeConnection } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import { openHostActivities } from '#activities/host/open-host-activities.ts';
import type { HostDeps } from '#activities/host/host-activities.ts';
import type { HostId } from '#core/id.ts';
import { hostQueue } from '#core/run/queues.ts';
import type { TemporalPlace } from '#wire/connect.ts';
import { openTemporalClient } from '#wire/connect.ts';
import { dataConverterOf } from '#wire/data-converter.ts';
import type { KeyRing } from '#wire/key-ring.ts';
import type { PayloadKey } from '#wire/payload-key.ts';
import type { Service } from '#wire/serve-workers.ts';
import { failLeftTokens, journalTokens } from './takeover.ts';
import type { TokenJournal } from './token-journal.ts';

export interface AgentQueues {
  readonly place: TemporalPlace;
  readonly payloadKey: PayloadKey | KeyRing;
  readonly hostId: HostId;
  readonly queuePrefix: string;
  /** Around each step, within the journal of tokens; none when absent. */
  readonly interceptors?: readonly ActivityInterceptorsFactory[];
}

/**
 * Attempts at once. Data and log work waits in the fence, so slots must never run out: a queue without a free slot
 * looks like an absent agent to the reconnect time.
 */
const slots = { ctl: 50, data: 1000, wal: 1000 } as const;

/** The three queues of a host as one service; what a dead process left is failed before anything polls. */
export const agentService = (
  queues: AgentQueues,
  deps: HostDeps,
  tokens: TokenJournal,
): Pick<Service, 'place' | 'open'> => ({
  place: queues.place,
  open: async (connection) => {
    await takeOver(queues, tokens);
    const kinds = ['ctl', 'data', 'wal'] as const;
    return Promise.all(kinds.map((kind) => createWorker(connection, { queues, kind }, deps, tokens)));
  },
});

async function takeOver({ place, payloadKey }: AgentQueues, tokens: TokenJournal): Promise<void> {
  const client = openTemporalClient(place, payloadKey);
  try {
    await failLeftTokens(tokens, client.activity);
  } finally {
    await client.connection.close();
  }
}

interface Queue {
  readonly queues: AgentQueues;
  readonly kind: keyof typeof slots;
}

const createWorker = (
  connection: NativeConnection,
  { queues, kind }: Queue,
  deps: HostDeps,
  tokens: TokenJournal,
): Promise<Worker> =>
  Worker.create({
    connection,
    namespace: queues.place.namespace,
    taskQueue: hostQueue(queues.hostId, kind, queues.queuePrefix),
    identity: `holdfast-agent@${queues.hostId}`,
    activities: openHostActivities(deps),
    dataConverter: dataConverterOf(queues.payloadKey),
    interceptors: { activity: [journalTokens(tokens), ...(queues.interceptors ?? [])] },
    maxHeartbeatThrottleInterval: '2s',
    maxConcurrentActivityTaskExecutions: slots[kind],
    maxConcurrentActivityTaskPolls: 2,
    shutdownGraceTime: 0,
  });
