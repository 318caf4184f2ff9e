import { once } from 'node:events';
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';

/** One message that a receiver took, with a signature that the reference library accepts. */
export interface Heard {
  /** The same for each attempt to tell it. */
  readonly id: string;
  readonly type: string;
  readonly runId: string | undefined;
}

/** A small real receiver of webhooks on this machine; it takes nothing until it is told to. */
export interface WebhookReceiver {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** Ids of the messages that it refused. */
  readonly refusedIds: readonly string[];
  /** From now on messages are taken: those signed with this secret. */
  takeThoseOf(secret: string): void;
  close(): void;
}

const payloadShape = z.looseObject({ type: z.string(), data: z.looseObject({ runId: z.string().optional() }) });

/** What a message says, when the reference library accepts its signature. */
const toldBy = (secret: string, body: string, headers: Readonly<Record<string, unknown>>): Omit<Heard, 'id'> => {
  const signed = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
  const { type, data } = payloadShape.parse(new Webhook(secret).verify(body, signed));
  return { type, runId: data.runId };
};

export const openWebhookReceiver = async (): Promise<WebhookReceiver> => {
  const heard: Heard[] = [];
  const refusedIds: string[] = [];
  let secret: string | undefined;
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const id = String(request.headers['webhook-id']);
      if (secret === undefined) refusedIds.push(id);
      else heard.push({ id, ...toldBy(secret, body, request.headers) });
      response.writeHead(secret === undefined ? 500 : 200).end();
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const address = receiver.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    ...{ heard, refusedIds, url: `http://127.0.0.1:${String(port)}/` },
    takeThoseOf: (told) => {
      secret = told;
    },
    close: () => receiver.close(),
  };
};
