import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { newWebhookSecret, signedHeaders } from './sign.ts';

test('the signature is that of the example in the Standard Webhooks specification', () => {
  const message = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: 1_614_265_330,
    body: '{"test": 2432232314}',
  };
  expect(signedHeaders(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).toEqual({
    'webhook-id': message.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('while a secret is replaced the reference library accepts a message with either, and nothing that was changed', () => {
  const [present, former] = [newWebhookSecret(), newWebhookSecret()];
  const body = JSON.stringify({ type: 'run.failed', 名称: '订单' });
  const headers = signedHeaders({ id: 'evt_1', timestamp: Math.floor(Date.now() / 1000), body }, [present, former]);
  for (const secret of [present, former])
    expect(new Webhook(secret).verify(body, { ...headers })).toMatchObject({ type: 'run.failed' });
  expect(() => new Webhook(newWebhookSecret()).verify(body, { ...headers })).toThrow();
  expect(() => new Webhook(present).verify(`${body} `, { ...headers })).toThrow();
});
