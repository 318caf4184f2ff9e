import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { createServer } from 'node:http';
import { pino } from 'pino';
import { SMTPServer } from 'smtp-server';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addChannel, getChannel, rotateSecret } from '#catalog/notices/channels.ts';
import { deliverAgain, listDeliveries } from '#catalog/notices/deliveries.ts';
import { addEvent, eventsAfter } from '#catalog/notices/events.ts';
import type { ChannelId } from '#core/id.ts';
import type { ChannelPlace, Delivery } from '#core/notice/channel.ts';
import { serverSettings } from '#core/settings/server-settings.ts';
import type { TestCatalog } from '#tests/support/catalog.ts';
import { openTestCatalog, testIds } from '#tests/support/catalog.ts';
import { eventually } from '#tests/support/orchestra.ts';
import { openVault } from '#api/pools/vault.ts';
import type { Notices } from './notice-door.ts';
import { openNotices } from './notices.ts';
import { channelOwner } from './send-webhook.ts';
import { newWebhookSecret } from './sign.ts';

interface Heard {
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

const vault = openVault(randomBytes(32));
const clock = { nowMs: () => Date.now() };
const heard: Heard[] = [];
const mails: { readonly to: readonly string[]; readonly text: string }[] = [];
/** What each path answers; a path that is not here hangs. */
const answers = new Map<string, number>([
  ...[['/ok', 204] as const, ['/gone', 410] as const, ['/broken', 500] as const, ['/moved', 302] as const],
]);
let store: TestCatalog;
let receiver: Server;
let smtp: SMTPServer;
let base: string;
let notices: Notices;

const heardAt = (path: string): Heard[] => heard.filter((one) => one.path === path);

beforeAll(async () => {
  store = await openTestCatalog();
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const path = request.url ?? '';
      heard.push({ path, body, headers: request.headers });
      const status = answers.get(path);
      if (status !== undefined) response.writeHead(status, { location: `${base}/ok` }).end();
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  base = `http://127.0.0.1:${portOf(receiver)}`;
  smtp = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS'], logger: false },
    onRcptTo: ({ address }, _session, done) => {
      done(address.startsWith('nobody') ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null);
    },
    onData: (stream, session, done) => {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
        done();
      });
    },
  });
  smtp.listen(0, '127.0.0.1');
  await once(smtp.server, 'listening');
  notices = open();
  notices.start();
});
afterAll(async () => {
  await notices.close();
  receiver.closeAllConnections();
  receiver.close();
  await new Promise<void>((resolve) => {
    smtp.close(resolve);
  });
  await store.close();
});

const portOf = (server: { address(): unknown }): string => {
  const address = server.address();
  return typeof address === 'object' && address !== null && 'port' in address ? String(address.port) : '';
};

const open = (): Notices =>
  openNotices(
    { catalog: store.catalog, vault, clock, ids: testIds, log: pino({ enabled: false }) },
    serverSettings.parse({
      ...{ home: '/nowhere', catalogUrl: store.url, noticeAllow: '127.0.0.1/32', smtpFrom: 'holdfast@example.org' },
      smtpUrl: `smtp://127.0.0.1:${portOf(smtp.server)}`,
    }),
  );

const channelTo = async (
  name: string,
  place: ChannelPlace,
  types = ['*'],
): Promise<{ id: ChannelId; secret: string }> => {
  const [id, secret] = [testIds('chan'), newWebhookSecret()];
  await addChannel(store.catalog, {
    id,
    name,
    place,
    types,
    createdBy: 'test',
    sealedSecret: vault.seal(secret, channelOwner(id)),
  });
  return { id, secret };
};
const webhookTo = (path: string, types = ['*']) =>
  channelTo(path.slice(1), { kind: 'webhook', url: `${base}${path}` }, types);
const happens = (message: string) => addEvent(store.catalog, { type: 'host.offline', data: { host: 'db1', message } });
const deliveriesOf = async (id: ChannelId): Promise<readonly Delivery[]> =>
  (await listDeliveries(store.catalog, { limit: 50 }, { channel: id })).data;
const only = async (id: ChannelId): Promise<Delivery | undefined> => (await deliveriesOf(id))[0];
const forget = (id: ChannelId) => store.catalog.change('delete from channel where id = $1', [id]);

test('a receiver that hangs holds nobody up; one gets what it asks for, signed by both secrets while one is replaced', async () => {
  const hanging = await webhookTo('/hang');
  const fine = await webhookTo('/ok', ['host.*']);
  const other = await webhookTo('/other', ['run.failed']);
  const renewed = newWebhookSecret();
  await rotateSecret(store.catalog, fine.id, vault.seal(renewed, channelOwner(fine.id)), 24);
  for (const message of ['one', 'two', 'three', 'four', 'five']) await happens(message);
  await eventually(() => heardAt('/ok').length === 5 && heardAt('/hang').length === 3);
  for (const { body, headers } of heardAt('/ok'))
    for (const secret of [fine.secret, renewed])
      expect(new Webhook(secret).verify(body, plainHeaders(headers))).toMatchObject({ type: 'host.offline' });
  expect(new Set(heardAt('/ok').map(({ headers }) => headers['webhook-id'])).size).toBe(5);
  await eventually(async () => (await deliveriesOf(fine.id)).every(({ state }) => state === 'delivered'));
  expect((await deliveriesOf(hanging.id)).map(({ state }) => state)).toEqual(
    Array.from({ length: 5 }, () => 'waiting'),
  );
  expect(await deliveriesOf(other.id)).toEqual([]);
  for (const { id } of [hanging, fine, other]) await forget(id);
});

const plainHeaders = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );

test('a receiver that answers 410 is disabled, what waits for it is given up, and the others are told', async () => {
  const { id } = await webhookTo('/gone');
  await happens('for nobody');
  await eventually(async () => !(await getChannel(store.catalog, 'webhook', id)).isEnabled);
  expect(await only(id)).toMatchObject({ state: 'failed', attempts: 1, status: 410 });
  const [told] = (await eventsAfter(store.catalog, 0, 200, { types: ['channel.disabled'] })).toReversed();
  expect(told?.data).toMatchObject({ channel: 'gone' });
  await forget(id);
});

test('a redirect is not followed', async () => {
  const before = heardAt('/ok').length;
  const { id } = await webhookTo('/moved');
  await happens('elsewhere');
  await eventually(async () => (await only(id))?.status === 302);
  expect(heardAt('/ok').length).toBe(before);
  expect((await only(id))?.error).toMatch(/redirect/);
  await forget(id);
});

test('a restart in the middle of an attempt or between retries loses no message, and repeats carry the same id', async () => {
  const broken = await webhookTo('/broken');
  const silent = await webhookTo('/silent');
  await happens('kept');
  await eventually(async () => (await only(broken.id))?.attempts === 1 && heardAt('/silent').length === 1);
  await notices.close();
  expect(await only(silent.id)).toMatchObject({ state: 'waiting', attempts: 0 });
  answers.set('/broken', 200).set('/silent', 200);
  // As if its process had been killed: what it held is free again when the lease is over.
  await store.catalog.change(
    "update delivery set leased_until = clock_timestamp() - interval '1 second', next_at = clock_timestamp()",
  );
  notices = open();
  notices.start();
  await eventually(
    async () => (await only(broken.id))?.state === 'delivered' && (await only(silent.id))?.state === 'delivered',
  );
  for (const path of ['/broken', '/silent'])
    expect(new Set(heardAt(path).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(await only(broken.id)).toMatchObject({ attempts: 2, status: 200 });
  await deliverAgain(store.catalog, (await only(broken.id))?.id ?? testIds('dlv'));
  await eventually(async () => (await only(broken.id))?.attempts === 3);
  expect(heardAt('/broken').length).toBe(3);
  for (const { id } of [broken, silent]) await forget(id);
});

test('mail goes to its recipients by a real SMTP server; an address that is refused for good is not tried again', async () => {
  const good = await channelTo('ops', { kind: 'mail', to: ['ops@example.org', 'dba@example.org'] }, ['problems']);
  const bad = await channelTo('nobody', { kind: 'mail', to: ['nobody@example.org'] }, ['problems']);
  await happens('主机 db1');
  await eventually(
    async () => (await only(good.id))?.state === 'delivered' && (await only(bad.id))?.state === 'failed',
  );
  expect(mails[0]?.to).toEqual(['ops@example.org', 'dba@example.org']);
  expect(mails[0]?.text).toMatch(/^Subject: .*Host is offline/m);
  expect(await only(bad.id)).toMatchObject({ attempts: 1, status: 550 });
  for (const { id } of [good, bad]) await forget(id);
});
