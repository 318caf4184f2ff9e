import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { bug } from '#core/errors/fail.ts';
import { callApi } from './channel-call.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Hangs up on the first requests without an answer, then answers; the requests that came. */
const hangUp = async (times: number): Promise<{ readonly url: string; readonly came: string[] }> => {
  const came: string[] = [];
  server = createServer((request, response) => {
    came.push(request.method ?? '');
    if (came.length <= times) request.socket.destroy();
    else response.end('{"n":1}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw bug('a server on a port has an address');
  return { url: `http://127.0.0.1:${String(address.port)}`, came };
};
const shape = z.object({ n: z.number() });

test('a request that may be made twice is made again when the connection was closed under it', async () => {
  const { url, came } = await hangUp(1);
  expect(await callApi({ url, method: 'GET', path: '/order' }, shape)).toEqual({ n: 1 });
  expect(came).toEqual(['GET', 'GET']);
});

test('a request that changes something, or fails again, is told as unavailable', async () => {
  const { url, came } = await hangUp(3);
  await expect(callApi({ url, method: 'POST', path: '/claim', body: {} }, shape)).rejects.toMatchObject({
    code: 'api_unavailable',
  });
  await expect(callApi({ url, method: 'GET', path: '/order' }, shape)).rejects.toMatchObject({
    code: 'api_unavailable',
  });
  expect(came).toEqual(['POST', 'GET', 'GET']);
});
