import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { eventually } from '../support/orchestra.ts';
import type { Platform } from '../support/platform.ts';
import { openPlatform } from '../support/platform.ts';

interface Heard {
  readonly id: string;
  readonly type: string;
  readonly runId: string | undefined;
}

const addedShape = z.looseObject({ secret: z.string() });
const payloadShape = z.looseObject({ type: z.string(), data: z.looseObject({ runId: z.string().optional() }) });
const runShape = z.looseObject({ id: z.string(), state: z.string() });
const deliveriesShape = z.array(z.looseObject({ attempts: z.number() }));
const eventsShape = z.array(z.looseObject({ type: z.string() }));

let platform: Platform;
let receiver: Server;
let url: string;
let secret = '';
let status = 500;
const refusedIds: string[] = [];
const heard: Heard[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const id = String(request.headers['webhook-id']);
      if (status === 200) heard.push({ id, ...toldBy(body, request.headers) });
      else refusedIds.push(id);
      response.writeHead(status).end();
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const address = receiver.address();
  url = `http://127.0.0.1:${String(typeof address === 'object' && address !== null ? address.port : 0)}/`;
  platform = await openPlatform({ env: { HOLDFAST_NOTICE_ALLOW: '127.0.0.1' } });
});
afterAll(async () => {
  await platform.close();
  receiver.close();
});

/** What a message says, when the reference library accepts its signature. */
function toldBy(body: string, headers: Readonly<Record<string, unknown>>): Omit<Heard, 'id'> {
  const signed = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
  const { type, data } = payloadShape.parse(new Webhook(secret).verify(body, signed));
  return { type, runId: data.runId };
}

test('K-088 a receiver hears how each run ended, although it was away and the API was killed between two attempts', async () => {
  ({ secret } = addedShape.parse(await platform.done(['webhook', 'add', 'ops', '--url', url, '--events', 'run.*'])));
  const run = runShape.parse(await platform.done(['run', 'noop', platform.host, '--wait']));
  expect(run.state).toBe('succeeded');
  await eventually(async () => {
    const tried = deliveriesShape.parse(await platform.done(['webhook', 'deliveries', 'ops']));
    return tried.length === 3 && tried.every(({ attempts }) => attempts > 0);
  });
  await platform.stack.kill('api');
  status = 200;
  await platform.stack.start('api');
  await eventually(() => heard.length === 3, 90_000);
  expect(heard.map(({ type }) => type).sort()).toEqual(['run.queued', 'run.started', 'run.succeeded']);
  expect(heard.map(({ runId }) => runId)).toEqual([run.id, run.id, run.id]);
  expect(new Set(heard.map(({ id }) => id))).toEqual(new Set(refusedIds));
  const events = eventsShape.parse(await platform.done(['events', '--run', run.id]));
  expect(events.map(({ type }) => type)).toEqual(['run.queued', 'run.started', 'run.succeeded']);
}, 240_000);
