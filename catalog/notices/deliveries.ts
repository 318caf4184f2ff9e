import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { ChannelId, DeliveryId, EventId } from '#core/id.ts';
import type { Attempt, Channel, Delivery } from '#core/notice/channel.ts';
import type { HoldfastEvent } from '#core/notice/event.ts';
import { asksFor } from '#core/notice/event-type.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import { deliveryShape } from '#core/settings/shape/channel.ts';
import { eventShape } from '#core/settings/shape/event.ts';
import { countShape, idShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { eventColumns, eventsAfter } from './events.ts';
import type { Page, PageRequest } from '#catalog/page.ts';
import { pageOf } from '#catalog/page.ts';
import { cutText } from '#core/text.ts';

const fanOutPage = 500;

/**
 * Makes deliveries of the events that a channel was not told of yet, each once whoever does it. False when there may be more,
 * or another process is at it.
 */
export function fanOut(db: Database, { id, types }: Channel, ids: IdSource): Promise<boolean> {
  return db.transaction(async (inside) => {
    const [row] = await inside.rows(
      z.object({ toldSeq: countShape }),
      'select told_seq as "toldSeq" from channel where id = $1 and is_enabled for update skip locked',
      [id],
    );
    if (row === undefined) return false;
    const events = await eventsAfter(inside, row.toldSeq, fanOutPage);
    const last = events[events.length - 1];
    if (last === undefined) return true;
    const wanted = events.filter(({ type }) => asksFor(types, type));
    if (wanted.length > 0)
      await inside.change(
        'insert into delivery (id, channel_id, event_id) select d, $1, e from unnest($2::text[], $3::text[]) as t (d, e)',
        [id, wanted.map(() => ids('dlv')), wanted.map((event) => event.id)],
      );
    await inside.change('update channel set told_seq = $2 where id = $1', [id, last.seq]);
    return events.length < fanOutPage;
  });
}

/** A delivery that this process holds for a while. */
export interface HeldDelivery {
  readonly id: DeliveryId;
  readonly channelId: ChannelId;
  /** Attempts before this one. */
  readonly attempts: number;
  /** Those of them that were made before somebody asked to deliver it again. */
  readonly attemptsBefore: number;
  readonly event: HoldfastEvent;
}

const heldShape = z.object({
  id: idShape('dlv'),
  channelId: idShape('chan'),
  ...{ attempts: countShape, attemptsBefore: countShape, eventId: idShape('evt') },
});

/** How long a delivery is held: longer than any attempt takes. */
const leaseSeconds = 30;

/** Channels that have deliveries whose time has come. */
export async function channelsWithDue(db: Database): Promise<ReadonlySet<ChannelId>> {
  const rows = await db.rows(
    z.object({ id: idShape('chan') }),
    `select distinct channel_id as id from delivery where state = 'waiting' and next_at <= clock_timestamp()
       and (leased_until is null or leased_until < clock_timestamp())`,
  );
  return new Set(rows.map(({ id }) => id));
}

/** Takes deliveries of a channel whose time has come; no other process gets them until the lease is over. */
export async function holdDue(db: Database, channel: ChannelId, most: number): Promise<HeldDelivery[]> {
  const held = await db.rows(
    heldShape,
    `update delivery set leased_until = clock_timestamp() + make_interval(secs => ${String(leaseSeconds)})
     where id in (select id from delivery where channel_id = $1 and state = 'waiting' and next_at <= clock_timestamp()
         and (leased_until is null or leased_until < clock_timestamp())
       order by next_at limit $2 for update skip locked)
     returning id, channel_id as "channelId", attempts, attempts_before as "attemptsBefore", event_id as "eventId"`,
    [channel, most],
  );
  const events = await db.rows(eventShape, `select ${eventColumns} from event e where e.id = any ($1)`, [
    held.map(({ eventId }) => eventId),
  ]);
  return held.flatMap(({ eventId, ...delivery }) => {
    const event = events.find((one) => one.id === eventId);
    return event === undefined ? [] : [{ ...delivery, event }];
  });
}

/** Records an attempt: delivered, to be tried again in `retryMs`, or given up when there is no other time. */
export function recordAttempt(
  db: Database,
  { id, attempts }: Pick<HeldDelivery, 'id' | 'attempts'>,
  { ms, status, error, retryMs }: Attempt & { readonly retryMs?: number | undefined },
): Promise<void> {
  const waits = error === undefined ? undefined : retryMs;
  const ended = error === undefined ? 'delivered' : 'failed';
  return db.transaction(async (inside) => {
    await inside.change(
      `insert into delivery_attempt (delivery_id, n, ms, status, error) select $1, $2, $3, $4, $5
       from delivery where id = $1 on conflict do nothing`,
      [id, attempts + 1, Math.round(ms), status ?? null, error === undefined ? null : cutText(error, 500)],
    );
    await inside.change(
      `update delivery set attempts = $2, leased_until = null, state = $3,
         next_at = case when $3 = 'waiting' then clock_timestamp() + make_interval(secs => $4) else next_at end,
         ended_at = case when $3 = 'waiting' then null else clock_timestamp() end
       where id = $1 and state = 'waiting'`,
      [id, attempts + 1, waits === undefined ? ended : 'waiting', (waits ?? 0) / 1000],
    );
  });
}

/** Gives back what a process that ends did not get to. */
export const releaseHeld = (db: Database, ids: readonly DeliveryId[]): Promise<number> =>
  db.change(`update delivery set leased_until = null where id = any ($1) and state = 'waiting'`, [ids]);

/** One delivery of one event to one channel, now: a test. */
export const addDelivery = (db: Database, id: DeliveryId, channel: ChannelId, event: EventId): Promise<number> =>
  db.change('insert into delivery (id, channel_id, event_id) values ($1, $2, $3)', [id, channel, event]);

const columns = `d.id, d.channel_id as "channelId", d.event_id as "eventId", e.type, d.state, d.attempts, d.next_at as "nextAt",
  d.created_at as "createdAt", d.ended_at as "endedAt", a.status, a.error, a.ms`;
const joined = `delivery d join event e on e.id = d.event_id left join lateral
  (select * from delivery_attempt t where t.delivery_id = d.id order by n desc limit 1) a on true`;

/** Newest first. */
export async function listDeliveries(
  db: Database,
  page: PageRequest,
  { channel, state }: { readonly channel: ChannelId; readonly state?: Delivery['state'] | undefined },
): Promise<Page<Delivery>> {
  const rows = await db.rows(
    deliveryShape,
    `select ${columns} from ${joined} where d.channel_id = $1 and ($2::text is null or d.state = $2)
       and ($3::text is null or d.id < $3) order by d.id desc limit $4`,
    [channel, state ?? null, page.after ?? null, page.limit + 1],
  );
  return pageOf(rows, page.limit);
}

/** Throws `delivery_unknown`. */
export async function getDelivery(db: Database, id: DeliveryId): Promise<Delivery> {
  const [row] = await db.rows(deliveryShape, `select ${columns} from ${joined} where d.id = $1`, [id]);
  if (row === undefined) throw fail('delivery_unknown', { delivery: id });
  return row;
}

/** Delivers again, from now and with all its attempts before it; the message keeps its id, so receivers can tell. */
export const deliverAgain = (db: Database, id: DeliveryId): Promise<number> =>
  db.change(
    `update delivery set state = 'waiting', next_at = clock_timestamp(), ended_at = null, leased_until = null,
       attempts_before = attempts where id = $1`,
    [id],
  );
