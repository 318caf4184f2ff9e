import { setTimeout as wait } from 'node:timers/promises';
import type { Catalog } from '#catalog/database.ts';
import { disableChannel, listChannels } from '#catalog/notices/channels.ts';
import type { HeldDelivery } from '#catalog/notices/deliveries.ts';
import { channelsWithDue, fanOut, holdDue, recordAttempt, releaseHeld } from '#catalog/notices/deliveries.ts';
import { addEvent, lastEventNumber } from '#catalog/notices/events.ts';
import type { ChannelId, DeliveryId } from '#core/id.ts';
import type { Attempt, Channel, ChannelKind } from '#core/notice/channel.ts';
import { retryDelayMs } from '#core/notice/channel.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { Send } from './sender.ts';

export interface PumpPorts {
  readonly catalog: Catalog;
  readonly ids: IdSource;
  readonly senders: Readonly<Partial<Record<ChannelKind, Send>>>;
  /** In [0, 1). */
  readonly chance: () => number;
  /** Hears of each attempt. */
  readonly onAttempt?: (kind: ChannelKind, attempt: Attempt) => void;
  /** A round failed, as a rule because the catalog is away; the next one comes. */
  readonly onTrouble: (cause: unknown) => void;
}

export interface Pump {
  /** Nothing is sent before. */
  start(): void;
  /** Looks at once instead of at its next turn. */
  wake(): void;
  /** Ends what is being sent; it is sent again by the next process, with the same id. */
  close(): Promise<void>;
}

const lookEveryMs = 1000;
/** Deliveries that one channel has under way. No channel has slots of another: one that hangs holds nobody else up. */
const slotsPerChannel = 3;

/**
 * Delivers events: turns them into deliveries per channel and sends those whose time has come. All state is in the catalog,
 * so any number of processes may do this, and one that is killed leaves nothing behind but repeats.
 */
export function openPump(ports: PumpPorts): Pump {
  const ending = new AbortController();
  const underway = new Map<ChannelId, Map<DeliveryId, Promise<void>>>();
  let nudge = new AbortController();
  const toldUpTo = new Map<ChannelId, number>();
  const round = async (): Promise<void> => {
    const last = await lastEventNumber(ports.catalog);
    const channels = (await listChannels(ports.catalog)).filter(({ isEnabled }) => isEnabled);
    for (const channel of channels) {
      // Why remembered: most looks find nothing new, and must not cost a transaction per channel.
      if ((toldUpTo.get(channel.id) ?? -1) >= last) continue;
      if (await fanOut(ports.catalog, channel, ports.ids)) toldUpTo.set(channel.id, last);
    }
    const due = channels.length === 0 ? new Set<ChannelId>() : await channelsWithDue(ports.catalog);
    for (const channel of channels) {
      if (ending.signal.aborted || !due.has(channel.id)) continue;
      const slots = underway.get(channel.id) ?? new Map<DeliveryId, Promise<void>>();
      underway.set(channel.id, slots);
      await fillSlots(channel, slots);
    }
  };
  const fillSlots = async (channel: Channel, slots: Map<DeliveryId, Promise<void>>): Promise<void> => {
    const free = slotsPerChannel - slots.size;
    if (free <= 0) return;
    for (const held of await holdDue(ports.catalog, channel.id, free)) {
      const work = deliver(ports, { channel, held, signal: ending.signal })
        .catch(ports.onTrouble)
        .finally(() => {
          slots.delete(held.id);
          nudge.abort();
        });
      slots.set(held.id, work);
    }
  };
  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      nudge = new AbortController();
      const { signal } = nudge;
      await round().catch(ports.onTrouble);
      await wait(lookEveryMs, undefined, { signal: AbortSignal.any([signal, ending.signal]) }).catch(() => undefined);
    }
  };
  let running = Promise.resolve();
  return {
    start: () => {
      running = run();
    },
    wake: () => {
      nudge.abort();
    },
    close: async () => {
      ending.abort();
      await running;
      await Promise.all([...underway.values()].flatMap((slots) => [...slots.values()]));
    },
  };
}

interface Turn {
  readonly channel: Channel;
  readonly held: HeldDelivery;
  readonly signal: AbortSignal;
}

async function deliver(ports: PumpPorts, { channel, held, signal }: Turn): Promise<void> {
  const send = ports.senders[channel.place.kind];
  const attempt: Attempt =
    send === undefined
      ? { ms: 0, error: 'this server is not set up to send it' }
      : await send(channel, held.event, signal);
  if (signal.aborted && attempt.error !== undefined) {
    await releaseHeld(ports.catalog, [held.id]);
    return;
  }
  ports.onAttempt?.(channel.place.kind, attempt);
  const tried = held.attempts - held.attemptsBefore + 1;
  const retryMs = attempt.isFinal === true ? undefined : retryDelayMs(tried, ports.chance());
  await recordAttempt(ports.catalog, held, { ...attempt, ...(retryMs === undefined ? {} : { retryMs }) });
  if (attempt.isGone === true) await disable(ports.catalog, channel, attempt.error ?? 'it is gone');
}

/** Told to the others, in the same transaction. */
const disable = (catalog: Catalog, { id, name, place }: Channel, why: string): Promise<void> =>
  catalog.transaction(async (db) => {
    if (!(await disableChannel(db, id, why))) return;
    await addEvent(db, { type: 'channel.disabled', data: { channel: name, kind: place.kind, message: why } });
  });
