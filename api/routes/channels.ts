import { z } from 'zod';
import {
  addChannel,
  enableChannel,
  getChannel,
  listChannels,
  removeChannel,
  rotateSecret,
} from '#catalog/notices/channels.ts';
import { fail } from '#core/errors/fail.ts';
import type { Channel, ChannelKind } from '#core/notice/channel.ts';
import { channelShape, newChannelShape } from '#core/settings/shape/channel.ts';
import type { Context } from '../context.ts';
import { channelOwner } from '../notices/send-webhook.ts';
import { newWebhookSecret } from '../notices/sign.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { listShape, nameOf, wholeList } from './words.ts';

const channelAnswer = channelShape.meta({ id: 'Channel' });
/** The one time that a secret is shown. */
const withSecret = z.object({ channel: channelAnswer, secret: z.string().exactOptional() }).meta({ id: 'NewChannel' });
export const channelParams = z.object({ kind: z.enum(['webhooks', 'mails']), channel: z.string() });
const kindParams = channelParams.pick({ kind: true });

const manage = { permission: 'manage-channels' } as const;

export const kindOf = (plural: z.output<typeof kindParams>['kind']): ChannelKind =>
  plural === 'webhooks' ? 'webhook' : 'mail';

/** Webhooks and mail subscriptions: who is told of events. `kind` is `webhooks` or `mails`. */
export const channelRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/channels/{kind}',
    title: 'Webhooks or mail subscriptions, by name',
    access: { permission: 'read' },
    status: 200,
    params: kindParams,
    answer: listShape(channelAnswer),
    serve: async ({ params }) =>
      wholeList((await listChannels(context.catalog, kindOf(params.kind))).map(withoutQuery)),
  }),
  route({
    method: 'get',
    path: '/api/v1/channels/{kind}/{channel}',
    title: 'One webhook or mail subscription, by id or name',
    access: { permission: 'read' },
    status: 200,
    params: channelParams,
    answer: channelAnswer,
    serve: async ({ params }) => ({
      answer: withoutQuery(await getChannel(context.catalog, kindOf(params.kind), params.channel)),
    }),
  }),
  route({
    method: 'post',
    path: '/api/v1/channels',
    title: 'Tell a webhook or mail boxes of events from now on; the secret of a webhook is shown this once',
    access: manage,
    status: 201,
    isSecret: true,
    body: newChannelShape,
    answer: withSecret,
    serve: async ({ body, caller }) => ({ answer: await added(context, body, caller) }),
  }),
  ...changingRoutes(context),
];

const changingRoutes = (context: Context): Route[] => [
  route({
    method: 'delete',
    path: '/api/v1/channels/{kind}/{channel}',
    title: 'Remove a webhook or mail subscription with its deliveries',
    access: manage,
    status: 204,
    params: channelParams,
    serve: async ({ params }) => {
      const { id } = await getChannel(context.catalog, kindOf(params.kind), params.channel);
      await removeChannel(context.catalog, id);
      return { answer: undefined };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/channels/{kind}/{channel}/enable',
    title: 'Tell a disabled channel again, of events from now on',
    access: manage,
    status: 200,
    params: channelParams,
    answer: channelAnswer,
    serve: async ({ params }) => {
      const kind = kindOf(params.kind);
      const { id } = await getChannel(context.catalog, kind, params.channel);
      await enableChannel(context.catalog, id);
      return { answer: withoutQuery(await getChannel(context.catalog, kind, id)) };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/channels/webhooks/{channel}/rotate-secret',
    title: 'Give a webhook a new secret, shown this once; the former one signs beside it for some hours',
    access: manage,
    status: 200,
    isSecret: true,
    params: channelParams.pick({ channel: true }),
    body: z.object({ hours: z.number().int().min(0).max(720).default(24) }).default({ hours: 24 }),
    answer: withSecret,
    serve: async ({ params, body }) => {
      const { id } = await getChannel(context.catalog, 'webhook', params.channel);
      const secret = newWebhookSecret();
      await rotateSecret(context.catalog, id, context.vault.seal(secret, channelOwner(id)), body.hours);
      return { answer: { channel: withoutQuery(await getChannel(context.catalog, 'webhook', id)), secret } };
    },
  }),
];

/** What stands behind ? in an address is often a key: whoever may only read does not see it. */
function withoutQuery(channel: Channel): Channel {
  if (channel.place.kind !== 'webhook' || !URL.canParse(channel.place.url)) return channel;
  const url = new URL(channel.place.url);
  if (url.search === '') return channel;
  url.search = '?…';
  return { ...channel, place: { kind: 'webhook', url: url.href.replace(/\?.*$/, '?…') } };
}

async function added(
  context: Context,
  { name, place, types }: z.output<typeof newChannelShape>,
  caller: Caller,
): Promise<z.output<typeof withSecret>> {
  const { catalog, vault, notices } = context;
  if (place.kind === 'webhook') notices.guard.demandUrl(place.url);
  else if (!notices.canMail) throw fail('mail_not_configured', {});
  const id = context.ids('chan');
  const secret = place.kind === 'webhook' ? newWebhookSecret() : undefined;
  const sealed = secret === undefined ? {} : { sealedSecret: vault.seal(secret, channelOwner(id)) };
  await addChannel(catalog, { id, name, place, types, createdBy: nameOf(caller), ...sealed });
  const channel = withoutQuery(await getChannel(catalog, place.kind, id));
  return { channel, ...(secret === undefined ? {} : { secret }) };
}
