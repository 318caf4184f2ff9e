import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { parseObjectKey, pieceKey } from '#core/format/object-key.ts';
import { formatId } from '#core/id.ts';
import { openS3Store } from './s3.ts';

const answerMs = 50;
const unlocked = '<Error><Code>NoSuchObjectLockConfiguration</Code><Message>none</Message></Error>';
const deleted = '<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>';

test('the protection of many objects is asked for 16 at a time, and each question has a deadline of its own', async () => {
  let [asked, underWay, most] = [0, 0, 0];
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === 'POST') return void response.end(deleted);
    asked += 1;
    most = Math.max(most, ++underWay);
    setTimeout(() => {
      underWay -= 1;
      response.writeHead(404, { 'content-type': 'application/xml' }).end(unlocked);
    }, answerMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const store = openS3Store({
    place: {
      ...{ kind: 's3', endpoint: '127.0.0.1', port, isTls: false, region: 'us-east-1', bucket: 'locked', prefix: '' },
      immutableDays: 1,
    },
    ...{ secrets: { accessKey: 'reader', secretKey: 'of a test' }, pool: 'locked pool' },
    // One after the other, the questions would take longer than that.
    requestMs: 2000,
  });
  const [setId, attempt] = [formatId('set', 0, new Uint8Array(10)), formatId('try', 0, new Uint8Array(10))];
  const keys = Array.from({ length: 50 }, (_, i) => parseObjectKey(pieceKey(setId, attempt, i + 1)));
  await store.remove(keys);
  await store.close();
  expect([asked, most]).toEqual([50, 16]);
});
