import type { ChannelId, DeliveryId, EventId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { EventType } from './event-type.ts';

/** Where a channel leads: an HTTP receiver, or mail boxes. */
export type ChannelPlace =
  { readonly kind: 'webhook'; readonly url: string } | { readonly kind: 'mail'; readonly to: readonly string[] };
export type ChannelKind = ChannelPlace['kind'];

/** Somebody who is told of events (`core/notice/event-type.ts` says what `types` may hold). */
export interface Channel {
  readonly id: ChannelId;
  readonly name: string;
  readonly types: readonly string[];
  readonly place: ChannelPlace;
  readonly isEnabled: boolean;
  readonly disabledWhy?: string | undefined;
  /** A former secret still signs beside the present one until then. */
  readonly formerUntil?: Instant | undefined;
  readonly createdBy: string;
  readonly createdAt: Instant;
}

/** How one attempt to deliver ended. */
export interface Attempt {
  readonly ms: number;
  /** HTTP status or SMTP reply, when there was one. */
  readonly status?: number | undefined;
  /** Absent: delivered. */
  readonly error?: string | undefined;
  /** Trying again cannot help. */
  readonly isFinal?: boolean | undefined;
  /** The receiver says that it is gone for good (HTTP 410): the channel is disabled. */
  readonly isGone?: boolean | undefined;
}

export interface Delivery {
  readonly id: DeliveryId;
  readonly channelId: ChannelId;
  readonly eventId: EventId;
  readonly type: EventType;
  /** `failed`: given up. */
  readonly state: 'waiting' | 'delivered' | 'failed';
  readonly attempts: number;
  readonly nextAt: Instant;
  readonly createdAt: Instant;
  readonly endedAt?: Instant | undefined;
  /** Of the last attempt. */
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly ms?: number | undefined;
}

const [second, minute, hour] = [1000, 60_000, 3_600_000];
/** Waits between the attempts, in milliseconds: eleven attempts over 24 hours (Standard Webhooks, "Retry schedule"). */
export const retryDelaysMs = [
  ...[5 * second, 30 * second, 2 * minute, 10 * minute, 30 * minute],
  ...[hour, 2 * hour, 4 * hour, 6 * hour, 10 * hour],
] as const;

/**
 * How long to wait after so many attempts, from 1, or undefined when it was the last. `chance` in [0, 1) moves it by a fifth
 * either way, so that receivers are not met by everybody at once when they come back.
 */
export function retryDelayMs(attempts: number, chance: number): number | undefined {
  const delay = retryDelaysMs[attempts - 1];
  return delay === undefined ? undefined : Math.round(delay * (0.8 + 0.4 * chance));
}
