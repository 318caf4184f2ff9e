import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { runLine } from '#tests/support/command-line.ts';

let api: TestApi;
const keys: string[] = [];
const [systemId, other] = ['7000000000000000101', '7000000000000000202'];

beforeAll(async () => {
  api = await openTestApi();
  const near = await newHost(api, 'db1');
  const far = await newHost(api, 'db2');
  keys.push(near.key);
  await newPool(api, 'first', near.id);
  await newResource(api, { name: 'standby', hostId: near.id, systemId });
  await newResource(api, { name: 'primary', hostId: near.id, systemId });
  await newResource(api, { name: 'far', hostId: far.id, systemId });
  await newResource(api, { name: 'stranger', hostId: near.id, systemId: other });
});
afterAll(() => api.close());

const ask = (body: object) =>
  api.ask('POST', '/api/v1/runs', { kind: 'full-backup', resource: 'standby', pool: 'first', ...body });
const orderOf = async (body: object): Promise<unknown> => {
  const answer = await ask(body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  const { id } = z.looseObject({ id: z.string() }).parse(answer.body);
  return (await api.ask('GET', `/agent/v1/orders/${id}`, undefined, { as: keys[0] ?? '' })).body;
};

test('a backup of a standby is ordered with the login of its primary, at the address that was named', async () => {
  expect(await orderOf({ standby: { primary: 'primary' } })).toMatchObject({
    standby: { primary: { login: { user: expect.any(String) as string } } },
  });
  const address = { host: 'db2.lan', port: 5433 };
  expect(await orderOf({ standby: { primary: 'far', address } })).toMatchObject({
    standby: { primary: { socket: 'db2.lan', port: 5433 } },
  });
  expect(await orderOf({})).not.toHaveProperty('standby');
});

test('a primary of another cluster, the standby itself and one that cannot be reached are refused at once', async () => {
  for (const primary of ['stranger', 'standby'])
    expect((await ask({ standby: { primary } })).body).toMatchObject({ code: 'primary_other' });
  expect((await ask({ standby: { primary: 'far' } })).body).toMatchObject({ code: 'primary_out_of_reach' });
});

test('K-048 an incremental of a standby without its primary is ordered as a full that says why', async () => {
  const order = await orderOf({ kind: 'incremental-backup', type: 'differential', standby: {} });
  expect(order).toMatchObject({ standby: {}, becomesFull: expect.stringContaining('D-019') as string });
});

test('D-021 a backup without its log is ordered as one where that log is backed up into the same pool, else refused', async () => {
  const options = { isWithoutLog: true };
  const refused = { code: 'without_log_refused' };
  expect((await ask({ options })).body).toMatchObject(refused);
  expect((await ask({ kind: 'log-backup', options })).body).toMatchObject(refused);
  expect(await orderOf({ kind: 'log-backup', resource: 'primary' })).toMatchObject({ kind: 'log-backup' });
  expect((await ask({ options })).body).toMatchObject(refused);
  expect(await orderOf({ options, standby: { primary: 'primary' } })).toMatchObject({ options });
  expect(await orderOf({ resource: 'primary', options })).toMatchObject({ kind: 'full-backup', options });
  expect(await orderOf({ isOffline: true, options })).toMatchObject({ isOffline: true, options });
});

test('D-007 an offline backup needs no login and is ordered as one; a stream is ordered with its tail', async () => {
  expect(await orderOf({ isOffline: true })).toMatchObject({ kind: 'full-backup', isOffline: true });
  expect(await orderOf({ kind: 'log-stream', tailSeconds: 5 })).toMatchObject({ kind: 'log-stream', tailSeconds: 5 });
});

test('options of one source are refused with another type before anything is asked', async () => {
  const where = ['backup', '--resource', 'standby', '--pool', 'first', '--json'];
  const bad = [
    ['--type', 'log', '--offline'],
    ['--type', 'full', '--stream'],
    ['--type', 'log', '--without-log'],
    ['--type', 'log', '--tail-every', '5'],
    ['--type', 'full', '--primary', 'primary', '--primary-address', 'nowhere'],
  ];
  for (const line of bad) expect(await runLine(api, [...where, ...line])).toMatchObject({ code: 2 });
});
