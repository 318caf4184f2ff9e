import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { addHost } from '#catalog/hosts.ts';
import { listRuns, runShape } from '#catalog/runs/runs.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { testIds } from '#tests/support/catalog.ts';
import { makeBearer } from '#api/http/bearer.ts';
import { openClient } from './client.ts';

let api: TestApi;
const doors: Server[] = [];
beforeAll(async () => {
  api = await openTestApi();
  const hostId = testIds('host');
  const keySha256 = makeBearer('hfh', hostId).sha256;
  await addHost(api.store.catalog, { id: hostId, name: 'db1', hostname: 'db1', agentVersion: '0.1.0', keySha256 });
});
afterAll(async () => {
  for (const door of doors) door.close();
  await api.close();
});

/** A way to the API that passes every question on and loses the first answers. */
async function openDoor(lost: number): Promise<{ readonly url: string; asked(): number }> {
  let asked = 0;
  const door = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      asked += 1;
      const isLost = asked <= lost;
      const headers = Object.entries(request.headers).filter(
        ([name]) => !/^(host|connection|content-length)$/.test(name),
      );
      void fetch(`${api.url}${request.url ?? ''}`, {
        ...{
          method: request.method ?? 'GET',
          headers: headers.map(([name, value]): [string, string] => [name, String(value)]),
        },
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      }).then(async (answer) => {
        const text = await answer.text();
        if (isLost) request.socket.destroy();
        else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
      });
    });
  });
  doors.push(door);
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const { port } = door.address() as AddressInfo;
  return { url: `http://127.0.0.1:${String(port)}`, asked: () => asked };
}

const noop = { kind: 'no-op', host: 'db1', seconds: 0 };
const runs = async (): Promise<number> => (await listRuns(api.store.catalog, { limit: 100 })).data.length;

test('a run whose answer was lost on the way is asked for again by its key, and begins once', async () => {
  const before = await runs();
  const door = await openDoor(2);
  const client = openClient(door.url, api.adminToken, { times: 5, everyMs: 10 });
  const run = await client.post(runShape, '/api/v1/runs', noop);
  expect(run).toMatchObject({ kind: 'no-op', hostName: 'db1' });
  expect(door.asked()).toBe(3);
  expect(await runs()).toBe(before + 1);
});

test('when no answer comes at all, it is said that the run may have begun and where to look', async () => {
  const before = await runs();
  const door = await openDoor(Infinity);
  const asking = openClient(door.url, api.adminToken, { times: 2, everyMs: 10 }).post(runShape, '/api/v1/runs', noop);
  await expect(asking).rejects.toMatchObject({
    code: 'answer_lost',
    hint: expect.stringContaining('holdfast run ls') as string,
  });
  expect(await runs()).toBe(before + 1);
});

test('an API that was never reached has begun nothing: it is not asked again', async () => {
  const asking = openClient('http://127.0.0.1:9', api.adminToken, { times: 5, everyMs: 60_000 });
  await expect(asking.post(z.unknown(), '/api/v1/runs', noop)).rejects.toMatchObject({ code: 'api_unreachable' });
});
