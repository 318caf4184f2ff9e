import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../supervisor/wait.ts';
import { putTwice } from './acknowledged.ts';
import type { PutCounter } from './put-counter.ts';
import { openPutCounter } from './put-counter.ts';

/** A pool that takes everything, except a key that is there already. */
async function openCounted(): Promise<{
  counter: PutCounter;
  bodies: string[];
  asked: () => number;
  aborted: () => number;
}> {
  const bodies: string[] = [];
  let [asked, aborted] = [0, 0];
  const server = createServer((request, response) => {
    asked += 1;
    request.on('aborted', () => (aborted += 1));
    void text(request).then(
      (body) => {
        bodies.push(body);
        response.writeHead(request.url === '/bucket/taken' ? 412 : 200).end();
      },
      () => undefined,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const counter = await openPutCounter((server.address() as AddressInfo).port);
  onTestFinished(async () => {
    await counter.close();
    server.close();
  });
  return { counter, bodies, asked: () => asked, aborted: () => aborted };
}

const put = (counter: PutCounter, path: string, body: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${String(counter.port)}/${path}`, { method: 'PUT', body });

test('bytes are counted as acknowledged when the answer got through, under the key of the object', async () => {
  const { counter, bodies } = await openCounted();
  for (const name of ['sets/a/meta', 'taken', 'sets/a/meta']) await put(counter, `bucket/${name}`, 'four');
  expect(bodies).toEqual(['four', 'four', 'four']);
  expect(counter.puts.map(({ key, bytes, status }) => [key, bytes, status])).toEqual([
    ['sets/a/meta', 4, 200],
    ['taken', 4, 412],
    ['sets/a/meta', 4, 200],
  ]);
  expect(putTwice(counter.puts)).toEqual(['sets/a/meta']);
});

test('what is cut off in the middle reaches the pool as cut off, and counts nothing', async () => {
  const { counter, bodies, asked, aborted } = await openCounted();
  const socket = connect(counter.port, '127.0.0.1');
  socket.write('PUT /bucket/half HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf of it');
  expect(await waitFor(() => asked() === 1, 5000)).toBe(true);
  socket.destroy();
  expect(await waitFor(() => aborted() === 1, 5000)).toBe(true);
  expect({ bodies, puts: counter.puts }).toEqual({ bodies: [], puts: [] });
});
