import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { storePreflight } from '#catalog/resources/resources.ts';
import type { HostId } from '#core/id.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { runLine } from '#tests/support/command-line.ts';

let api: TestApi;
const keys: string[] = [];
let near: HostId;
const [systemId, other] = ['7000000000000000101', '7000000000000000202'];

beforeAll(async () => {
  api = await openTestApi();
  const db1 = await newHost(api, 'db1');
  near = db1.id;
  const far = await newHost(api, 'db2');
  keys.push(db1.key);
  await newPool(api, 'first', near);
  await newResource(api, { name: 'standby', hostId: near, systemId });
  await newResource(api, { name: 'primary', hostId: near, systemId });
  await newResource(api, { name: 'far', hostId: far.id, systemId });
  await newResource(api, { name: 'stranger', hostId: near, systemId: other });
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

test('K-082 a stream is ordered with the archive directory that preflight found, or the one that was named', async () => {
  const id = await newResource(api, { name: 'archiving', hostId: near, systemId });
  const archiveDirectory = '/archive/found';
  await storePreflight(api.store.catalog, id, {
    ...{ serverVersion: 150000, systemId, timeline: 1, hasChecksums: true, role: 'primary', walLevel: 'replica' },
    ...{ archiveMode: 'on', archiveDirectory, segmentBytes: 1 << 24, insertLsn: parseLsn('0/1'), findings: [] },
  });
  const stream = { kind: 'log-stream', resource: 'archiving' };
  expect(await orderOf(stream)).toMatchObject({ options: { archiveDirectory } });
  const named = { archiveDirectory: '/archive/named' };
  expect(await orderOf({ ...stream, options: named })).toMatchObject({ options: named });
  expect(await orderOf({ kind: 'log-stream' })).not.toHaveProperty('options.archiveDirectory');
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
