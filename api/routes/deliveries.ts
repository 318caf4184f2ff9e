import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { getChannel, listChannels } from '#catalog/notices/channels.ts';
import { addDelivery, deliverAgain, getDelivery, listDeliveries } from '#catalog/notices/deliveries.ts';
import { addEvent, eventIdByKey } from '#catalog/notices/events.ts';
import { fail } from '#core/errors/fail.ts';
import type { DeliveryId } from '#core/id.ts';
import type { Channel, Delivery } from '#core/notice/channel.ts';
import { deliveryShape } from '#core/settings/shape/channel.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import { patienceMs } from '../notices/sender.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { channelParams, kindOf } from './channels.ts';
import { listOf, listShape, nameOf, pageQuery, pageRequestOf } from './words.ts';

const deliveryAnswer = deliveryShape.meta({ id: 'Delivery' });
const manage = { permission: 'manage-channels' } as const;

/** What was sent to a channel, and sending it again. */
export const deliveryRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/channels/{kind}/{channel}/deliveries',
    title: 'What was delivered to a channel, waits or was given up, newest first',
    access: { permission: 'read' },
    status: 200,
    params: channelParams,
    query: z.object({ ...pageQuery, state: z.enum(['waiting', 'delivered', 'failed']).optional() }),
    answer: listShape(deliveryAnswer),
    serve: async ({ params, query }) => {
      const { id } = await getChannel(context.catalog, kindOf(params.kind), params.channel);
      const filter = { channel: id, ...(query.state === undefined ? {} : { state: query.state }) };
      return listOf(await listDeliveries(context.catalog, pageRequestOf(query), filter));
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/channels/{kind}/{channel}/test',
    title: 'Send a test to one channel and say how it went',
    access: manage,
    status: 200,
    params: channelParams,
    answer: deliveryAnswer,
    serve: async ({ params, caller }) => {
      const channel = await getChannel(context.catalog, kindOf(params.kind), params.channel);
      demandEnabled(channel);
      return { answer: await tested(context, channel, caller) };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/deliveries/{delivery}/redeliver',
    title: 'Deliver again; the message keeps its id, so that the receiver can tell',
    access: manage,
    status: 202,
    params: z.object({ delivery: idShape('dlv') }),
    answer: deliveryAnswer,
    serve: async ({ params: { delivery } }) => {
      const { channelId } = await getDelivery(context.catalog, delivery);
      const channel = (await listChannels(context.catalog)).find(({ id }) => id === channelId);
      if (channel !== undefined) demandEnabled(channel);
      await deliverAgain(context.catalog, delivery);
      context.notices.wake();
      return { answer: await getDelivery(context.catalog, delivery) };
    },
  }),
];

function demandEnabled({ name, isEnabled, disabledWhy = 'no reason given', place: { kind } }: Channel): void {
  if (!isEnabled) throw fail('channel_disabled', { kind, channel: name, reason: disabledWhy });
}

/** An event of its own that nobody else is told of. Answers after the first attempt. */
async function tested(context: Context, channel: Channel, caller: Caller): Promise<Delivery> {
  const id = context.ids('dlv');
  const key = `test:${id}`;
  await context.catalog.transaction(async (db) => {
    const data = { channel: channel.name, startedBy: nameOf(caller), message: 'This is a test: nothing happened.' };
    await addEvent(db, { type: 'channel.test', key, data });
    await addDelivery(db, id, channel.id, await eventIdByKey(db, key));
  });
  context.notices.wake();
  return firstAttempt(context, id);
}

const lookEveryMs = 100;

async function firstAttempt({ catalog, clock, notices }: Context, id: DeliveryId): Promise<Delivery> {
  const until = clock.nowMs() + 2 * patienceMs;
  for (;;) {
    const delivery = await getDelivery(catalog, id);
    if (delivery.attempts > 0 || clock.nowMs() > until) return delivery;
    notices.wake();
    await wait(lookEveryMs);
  }
}
