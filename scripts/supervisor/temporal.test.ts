import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { openFolder } from '#tests/support/folder.ts';
import { provideTemporal } from '../servers/temporal.mjs';
import { freePorts } from './free-port.ts';
import { startTemporal } from './temporal.ts';

test('a Temporal server that loses the race for a port is started again when somebody lets go of it', async () => {
  const [grpc = 0, http = 0, metrics = 0] = await freePorts(3);
  const holder = createServer().listen({ port: grpc, host: '127.0.0.1' });
  await once(holder, 'listening');
  const folder = openFolder('hf-temporal-');
  let starts = 0;
  const server = await startTemporal({
    program: await provideTemporal(),
    folder: folder.path,
    ports: { grpc, http, metrics },
    onStart: (child) => {
      starts += 1;
      void child.ended.then(() => holder.close());
    },
  });
  await server.child.stop();
  folder.remove();
  expect(starts).toBe(2);
});
