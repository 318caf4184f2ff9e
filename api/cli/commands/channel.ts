import type { Command } from 'commander';
import { z } from 'zod';
import type { Channel, ChannelKind, Delivery } from '#core/notice/channel.ts';
import { channelShape, deliveryShape } from '#core/settings/shape/channel.ts';
import { listShape } from '../../routes/words.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { tableOf, timeText } from '../terminal.ts';

const newShape = z.object({ channel: channelShape, secret: z.string().optional() });
const oneShape = z.object({ name: z.string() });
const eventsOption = {
  '--events <types>': 'types, groups as run.*, problems, or *; separated by commas',
};

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const pathOf = (kind: ChannelKind, name: string): string => `/api/v1/channels/${kind}s/${encodeURIComponent(name)}`;

/** `holdfast webhook …` and `holdfast mail …`: who is told of events. */
export function addChannelCommands(program: Command, cli: Cli): void {
  const webhook = program.command('webhook').description('webhooks: HTTP receivers that are told of events');
  addWebhookAdd(webhook, cli);
  addCommon(webhook, cli, 'webhook');
  addRotate(webhook, cli);
  const mail = program.command('mail').description('mail: mail boxes that are told of events');
  addMailAdd(mail, cli);
  addCommon(mail, cli, 'mail');
}

function addWebhookAdd(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'add <name>',
    title: 'tell a receiver of events from now on; its secret is shown this once',
    options: { '--url <url>': 'https address of the receiver', ...eventsOption },
    shape: oneShape.extend({ url: z.string(), events: z.string().default('*') }),
    act: async (_cli, { name, url, events }) => {
      const body = { name, place: { kind: 'webhook', url }, types: listOf(events) };
      const made = await (await cli.client()).post(newShape, '/api/v1/channels', body);
      return { json: made, text: secretText(made, `Webhook ${name} is told of: ${made.channel.types.join(', ')}.`) };
    },
  });
}

function addMailAdd(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'add <name>',
    title: 'send mail about events from now on; the server needs HOLDFAST_SMTP_URL and HOLDFAST_SMTP_FROM',
    options: { '--to <addresses>': 'mail addresses, separated by commas', ...eventsOption },
    shape: oneShape.extend({ to: z.string(), events: z.string().default('problems') }),
    act: async (_cli, { name, to, events }) => {
      const body = { name, place: { kind: 'mail', to: listOf(to) }, types: listOf(events) };
      const { channel } = await (await cli.client()).post(newShape, '/api/v1/channels', body);
      return { json: channel, text: `${placeText(channel)} get mail about: ${channel.types.join(', ')}.` };
    },
  });
}

const secretText = ({ secret }: z.output<typeof newShape>, done: string): string =>
  secret === undefined ? done : `${done}\nSecret (shown this once, give it to the receiver): ${secret}`;

function addRotate(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'rotate <name>',
    title: 'make a new secret, shown this once; messages carry both signatures for some hours',
    options: { '--hours <n>': 'how long the former secret signs too, 0 to 720 (24)' },
    shape: oneShape.extend({ hours: z.coerce.number().int().default(24) }),
    act: async (_cli, { name, hours }) => {
      const made = await (await cli.client()).post(newShape, `${pathOf('webhook', name)}/rotate-secret`, { hours });
      const until = made.channel.formerUntil;
      const both = until === undefined ? 'at once' : `; the former one signs too until ${timeText(until)}`;
      return { json: made, text: secretText(made, `Webhook ${name} has a new secret${both}.`) };
    },
  });
}

function addCommon(noun: Command, cli: Cli, kind: ChannelKind): void {
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list them',
    shape: z.object({}),
    act: async () => {
      const { data } = await (await cli.client()).get(listShape(channelShape), `/api/v1/channels/${kind}s`);
      const rows = data.map((one) => [one.name, placeText(one), one.types.join(','), stateText(one)]);
      return { json: data, text: tableOf(['NAME', 'TO', 'EVENTS', 'STATE'], rows) };
    },
  });
  addVerb(noun, cli, {
    usage: 'show <name>',
    title: 'show one with what was delivered last',
    shape: oneShape,
    act: async (_cli, { name }) => {
      const client = await cli.client();
      const channel = await client.get(channelShape, pathOf(kind, name));
      const { data } = await client.get(listShape(deliveryShape), `${pathOf(kind, name)}/deliveries?limit=10`);
      const head = [`name     ${channel.name} (${channel.id})`, `to       ${placeText(channel)}`];
      const rest = [`events   ${channel.types.join(', ')}`, `state    ${stateText(channel)}`, '', deliveriesText(data)];
      return { json: { channel, deliveries: data }, text: [...head, ...rest].join('\n') };
    },
  });
  addVerb(noun, cli, {
    usage: 'rm <name>',
    title: 'remove one with its deliveries',
    shape: oneShape,
    act: async (_cli, { name }) => {
      await (await cli.client()).drop(pathOf(kind, name));
      return { json: { removed: name }, text: `Removed ${name}.` };
    },
  });
  addVerb(noun, cli, {
    usage: 'enable <name>',
    title: 'tell one again that was disabled, of events from now on',
    shape: oneShape,
    act: async (_cli, { name }) => {
      const channel = await (await cli.client()).post(channelShape, `${pathOf(kind, name)}/enable`);
      return { json: channel, text: `${name} is told again.` };
    },
  });
  addDelivering(noun, cli, kind);
}

function addDelivering(noun: Command, cli: Cli, kind: ChannelKind): void {
  addVerb(noun, cli, {
    usage: 'test <name>',
    title: 'send a test and say how it went',
    shape: oneShape,
    act: async (_cli, { name }) => {
      const tried = await (await cli.client()).post(deliveryShape, `${pathOf(kind, name)}/test`);
      return { json: tried, text: deliveriesText([tried]) };
    },
  });
  addVerb(noun, cli, {
    usage: 'deliveries <name>',
    title: 'what was delivered, waits or was given up, newest first',
    options: { '--state <state>': 'waiting, delivered or failed', '--limit <n>': '1 to 200 (50)' },
    shape: oneShape.extend({ state: z.string().optional(), limit: z.coerce.number().int().default(50) }),
    act: async (_cli, { name, state, limit }) => {
      const query = new URLSearchParams({ limit: String(limit), ...(state === undefined ? {} : { state }) });
      const path = `${pathOf(kind, name)}/deliveries?${query.toString()}`;
      const { data } = await (await cli.client()).get(listShape(deliveryShape), path);
      return { json: data, text: deliveriesText(data) };
    },
  });
  addVerb(noun, cli, {
    usage: 'redeliver <delivery>',
    title: 'deliver again; the message keeps its id',
    shape: z.object({ delivery: z.string() }),
    act: async (_cli, { delivery }) => {
      const path = `/api/v1/deliveries/${encodeURIComponent(delivery)}/redeliver`;
      const row = await (await cli.client()).post(deliveryShape, path);
      return { json: row, text: `${delivery} is on its way.` };
    },
  });
}

const placeText = ({ place }: Channel): string => (place.kind === 'webhook' ? place.url : place.to.join(', '));
const stateText = ({ isEnabled, disabledWhy }: Channel): string =>
  isEnabled ? 'enabled' : `disabled: ${disabledWhy ?? '-'}`;

const deliveriesText = (deliveries: readonly Delivery[]): string =>
  tableOf(
    ['DELIVERY', 'EVENT', 'STATE', 'TRIES', 'AT', 'ANSWER'],
    deliveries.map((one) => [
      ...[one.id, one.type, one.state, String(one.attempts), timeText(one.endedAt ?? one.createdAt)],
      one.error ?? (one.status === undefined ? '-' : String(one.status)),
    ]),
  );
