import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { secretsOfChannel } from '#catalog/notices/channels.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ChannelId } from '#core/id.ts';
import type { Attempt } from '#core/notice/channel.ts';
import { payloadOf } from '#core/notice/message.ts';
import { productVersion } from '#core/version.ts';
import type { Context } from '../context.ts';
import type { AddressGuard } from './address-guard.ts';
import type { Send } from './sender.ts';
import { patienceMs } from './sender.ts';
import { signedHeaders } from './sign.ts';

/** Names the row that a sealed secret belongs to. */
export const channelOwner = (id: ChannelId): string => `channel:${id}`;

type Ports = Pick<Context, 'catalog' | 'vault' | 'clock'> & { readonly guard: AddressGuard };

/** POSTs a signed message; only 2xx counts as delivered, a redirect is not followed. */
export const openWebhookSender =
  ({ catalog, vault, clock, guard }: Ports): Send =>
  async ({ id, place }, event, signal) => {
    const began = clock.nowMs();
    if (place.kind !== 'webhook') return { ms: 0, error: 'not a webhook', isFinal: true };
    try {
      const sealed = await secretsOfChannel(catalog, id);
      const secrets = sealed.map((one) => vault.open(one, channelOwner(id)));
      const body = payloadOf(event);
      const signed = signedHeaders({ id: event.id, timestamp: Math.floor(began / 1000), body }, secrets);
      const status = await post({ guard, signal }, guard.demandUrl(place.url), { body, headers: signed });
      return { ms: clock.nowMs() - began, ...verdictOf(status) };
    } catch (cause) {
      return { ms: clock.nowMs() - began, error: wordsOf(cause) };
    }
  };

function verdictOf(status: number): Omit<Attempt, 'ms'> {
  if (status >= 200 && status < 300) return { status };
  if (status === 410) return { status, error: 'the receiver says that it is gone (410)', isFinal: true, isGone: true };
  const isRedirect = status >= 300 && status < 400;
  return {
    status,
    error: `the receiver answered ${String(status)}${isRedirect ? ', redirects are not followed' : ''}`,
  };
}

function wordsOf(cause: unknown): string {
  if (cause instanceof HoldfastError) return cause.message;
  if (!(cause instanceof Error)) return 'no reason given';
  if (cause.name === 'AbortError' || cause.name === 'TimeoutError') return 'no answer in time';
  return cause.message === '' ? cause.name : cause.message;
}

interface Message {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A connection of its own, closed as soon as the status is known: what else a receiver says is not read. */
function post(
  { guard, signal }: { readonly guard: AddressGuard; readonly signal: AbortSignal },
  url: URL,
  { body, headers }: Message,
): Promise<number> {
  const options: RequestOptions = {
    method: 'POST',
    agent: false,
    lookup: guard.lookupFor(url),
    signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': `Holdfast/${productVersion}`,
    },
  };
  return new Promise((resolve, reject) => {
    const hear = (response: IncomingMessage): void => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    };
    const sent: ClientRequest =
      url.protocol === 'https:' ? requestHttps(url, options, hear) : requestHttp(url, options, hear);
    sent.on('error', reject);
    sent.end(body);
  });
}
