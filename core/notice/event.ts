import type { EventId, HostId, JobId, PoolId, ResourceId, RunId, SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { EventType } from './event-type.ts';

/** What an event speaks of. */
export interface EventSubjects {
  readonly runId?: RunId | undefined;
  readonly jobId?: JobId | undefined;
  readonly resourceId?: ResourceId | undefined;
  readonly hostId?: HostId | undefined;
  readonly poolId?: PoolId | undefined;
  readonly setId?: SetId | undefined;
}

/** Something that happened: thin, so that a receiver that wants more asks the API. Never holds a secret. */
export interface HoldfastEvent extends EventSubjects {
  readonly id: EventId;
  /** Grows by commit: who has read a number never misses a smaller one. */
  readonly seq: number;
  readonly type: EventType;
  readonly at: Instant;
  /** Names as they were, the code and message of an outcome, figures of a breach. */
  readonly data: Readonly<Record<string, unknown>>;
}
