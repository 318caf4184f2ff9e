import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { ChannelId } from '#core/id.ts';
import type { Channel, ChannelKind, ChannelPlace } from '#core/notice/channel.ts';
import { channelShape } from '#core/settings/shape/channel.ts';
import { countShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { nearOf } from '#catalog/near-names.ts';

/** Each channel has slots of its own, so their number bounds what is sent at once. */
export const mostChannels = 50;

const columns = `c.id, c.name, c.types, c.place || jsonb_build_object('kind', c.kind) as place, c.is_enabled as "isEnabled",
  c.disabled_why as "disabledWhy", case when c.former_until > now() then c.former_until end as "formerUntil",
  c.created_by as "createdBy", c.created_at as "createdAt"`;

export interface NewChannel {
  readonly id: ChannelId;
  readonly name: string;
  readonly place: ChannelPlace;
  readonly types: readonly string[];
  readonly sealedSecret?: Uint8Array;
  readonly createdBy: string;
}

/** Events from now on go to it. Throws `name_taken`, `channel_limit`. */
export function addChannel(db: Database, channel: NewChannel): Promise<void> {
  const { id, name, types, createdBy, sealedSecret } = channel;
  const { kind, ...place } = channel.place;
  return db.transaction(async (inside) => {
    await inside.change('lock table channel in share row exclusive mode');
    const taken = await inside.rows(z.object({ name: z.string() }), 'select name from channel');
    if (taken.some((row) => row.name === name)) throw fail('name_taken', { name, noun: 'channel' });
    if (taken.length >= mostChannels) throw fail('channel_limit', { count: String(taken.length) });
    await inside.change(
      `insert into channel (id, kind, name, types, place, sealed_secret, told_seq, created_by)
       values ($1, $2, $3, $4, $5, $6, (select coalesce(max(seq), 0) from event), $7)`,
      [id, kind, name, types, JSON.stringify(place), sealedSecret ?? null, createdBy],
    );
  });
}

export const listChannels = (db: Database, kind?: ChannelKind): Promise<Channel[]> =>
  db.rows(channelShape, `select ${columns} from channel c where ($1::text is null or kind = $1) order by c.name`, [
    kind ?? null,
  ]);

/** By id or by name. Throws `channel_unknown`. */
export async function getChannel(db: Database, kind: ChannelKind, idOrName: string): Promise<Channel> {
  const [channel] = await db.rows(
    channelShape,
    `select ${columns} from channel c where kind = $1 and (c.id = $2 or c.name = $2)`,
    [kind, idOrName],
  );
  if (channel === undefined)
    throw fail('channel_unknown', { kind, channel: idOrName, near: await nearOf(db, kind, idOrName) });
  return channel;
}

/** What is on its way to it goes with it. */
export const removeChannel = (db: Database, id: ChannelId): Promise<number> =>
  db.change('delete from channel where id = $1', [id]);

/** Events that happened while it was disabled are not told afterwards. */
export const enableChannel = (db: Database, id: ChannelId): Promise<number> =>
  db.change(
    `update channel set is_enabled = true, disabled_why = null, told_seq = (select coalesce(max(seq), 0) from event)
     where id = $1 and not is_enabled`,
    [id],
  );

/** What waits to be delivered to it is given up. False when it was disabled before. */
export function disableChannel(db: Database, id: ChannelId, why: string): Promise<boolean> {
  return db.transaction(async (inside) => {
    const changed = await inside.change(
      'update channel set is_enabled = false, disabled_why = $2 where id = $1 and is_enabled',
      [id, why],
    );
    await inside.change(
      `update delivery set state = 'failed', ended_at = clock_timestamp(), leased_until = null
       where channel_id = $1 and state = 'waiting'`,
      [id],
    );
    return changed > 0;
  });
}

const secretsShape = z.object({
  present: z.instanceof(Uint8Array).nullable(),
  former: z.instanceof(Uint8Array).nullable(),
});

/** Sealed secrets by which a message is signed: the present one, then the former one while it counts. */
export async function secretsOfChannel(db: Database, id: ChannelId): Promise<readonly Uint8Array[]> {
  const [row] = await db.rows(
    secretsShape,
    `select sealed_secret as present, case when former_until > now() then sealed_former end as former
     from channel where id = $1`,
    [id],
  );
  return [row?.present, row?.former].filter((sealed) => sealed != null);
}

/** The present secret becomes the former one for so many hours; one that was former before is void at once. */
export const rotateSecret = (db: Database, id: ChannelId, sealed: Uint8Array, hours: number): Promise<number> =>
  db.change(
    `update channel set sealed_former = sealed_secret, former_until = now() + make_interval(hours => $3), sealed_secret = $2
     where id = $1`,
    [id, sealed, hours],
  );

/** Deliveries that wait, and those that were given up within a day, per kind of channel. */
export const deliveryCounts = (
  db: Database,
): Promise<{ readonly kind: string; readonly waiting: number; readonly failed: number }[]> =>
  db.rows(
    z.object({ kind: z.string(), waiting: countShape, failed: countShape }),
    `select c.kind, (count(*) filter (where d.state = 'waiting'))::int as waiting,
       (count(*) filter (where d.state = 'failed' and d.ended_at > now() - interval '1 day'))::int as failed
     from channel c join delivery d on d.channel_id = c.id group by c.kind`,
  );
