import type { Attempt, Channel } from '#core/notice/channel.ts';
import type { HoldfastEvent } from '#core/notice/event.ts';

/** Sends one event to one channel, once. Never throws: what went wrong is part of the answer. */
export type Send = (channel: Channel, event: HoldfastEvent, signal: AbortSignal) => Promise<Attempt>;

/** The longest that a receiver is waited for, in milliseconds. */
export const patienceMs = 10_000;
