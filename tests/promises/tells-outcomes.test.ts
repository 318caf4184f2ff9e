import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { eventually } from '../support/orchestra.ts';
import type { Platform } from '../support/platform.ts';
import { openPlatform } from '../support/platform.ts';
import type { WebhookReceiver } from '../support/webhook-receiver.ts';
import { openWebhookReceiver } from '../support/webhook-receiver.ts';

const addedShape = z.looseObject({ secret: z.string() });
const runShape = z.looseObject({ id: z.string(), state: z.string() });
const deliveriesShape = z.array(z.looseObject({ attempts: z.number() }));
const eventsShape = z.array(z.looseObject({ type: z.string() }));

let platform: Platform;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await openWebhookReceiver();
  platform = await openPlatform({ env: { HOLDFAST_NOTICE_ALLOW: '127.0.0.1' } });
});
afterAll(async () => {
  await platform.close();
  receiver.close();
});

test('K-088 a receiver hears how each run ended, although it was away and the API was killed between two attempts', async () => {
  const { heard, refusedIds, url } = receiver;
  const { secret } = addedShape.parse(
    await platform.done(['webhook', 'add', 'ops', '--url', url, '--events', 'run.*']),
  );
  const run = runShape.parse(await platform.done(['run', 'noop', platform.host, '--wait']));
  expect(run.state).toBe('succeeded');
  await eventually(async () => {
    const tried = deliveriesShape.parse(await platform.done(['webhook', 'deliveries', 'ops']));
    return tried.length === 3 && tried.every(({ attempts }) => attempts > 0);
  });
  await platform.stack.kill('api');
  receiver.takeThoseOf(secret);
  await platform.stack.start('api');
  await eventually(() => heard.length === 3, 90_000);
  expect(heard.map(({ type }) => type).sort()).toEqual(['run.queued', 'run.started', 'run.succeeded']);
  expect(heard.map(({ runId }) => runId)).toEqual([run.id, run.id, run.id]);
  expect(new Set(heard.map(({ id }) => id))).toEqual(new Set(refusedIds));
  const events = eventsShape.parse(await platform.done(['events', '--run', run.id]));
  expect(events.map(({ type }) => type)).toEqual(['run.queued', 'run.started', 'run.succeeded']);
}, 240_000);
