import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { setMetaKey } from '#core/format/object-key.ts';
import { formatId } from '#core/id.ts';
import { withRetries } from './retry.ts';
import { openS3Store } from './s3.ts';

const conflict =
  '<Error><Code>ConditionalRequestConflict</Code><Message>a conflicting operation is in progress</Message></Error>';

// An upload of ours that was cut off may be under way at the service when it is repeated; it may also never end.
test('an object whose name another upload holds at the moment is not taken for one that is there, and is put again', async () => {
  const state = { puts: 0, isThere: false, conflicts: 1 };
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === 'HEAD') return void response.writeHead(state.isThere ? 200 : 404).end();
    request.on('end', () => {
      if (state.puts++ < state.conflicts)
        return void response.writeHead(409, { 'content-type': 'application/xml' }).end(conflict);
      state.isThere = true;
      response.writeHead(200, { etag: '"1"' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const store = openS3Store({
    place: { kind: 's3', endpoint: '127.0.0.1', port, isTls: false, region: 'us-east-1', bucket: 'busy', prefix: '' },
    ...{ secrets: { accessKey: 'writer', secretKey: 'of a test' }, pool: 'busy pool' },
  });
  onTestFinished(() => store.close());
  const [key, body] = [setMetaKey(formatId('set', 0, new Uint8Array(10))), Buffer.from('meta')];
  await expect(store.putIfAbsent(key, body)).rejects.toMatchObject({ code: 'pool_unreachable' });
  Object.assign(state, { puts: 0 });
  expect(await withRetries(store).putIfAbsent(key, body)).toBe('created');
  expect(state).toMatchObject({ puts: 2, isThere: true });
});
