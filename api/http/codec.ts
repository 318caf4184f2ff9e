import type { NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { openPayloadCodec } from '#wire/payload-codec.ts';
import type { Context } from '#api/context.ts';
import type { Route } from './route.ts';
import { route } from './route.ts';

/** A Payload of Temporal as JSON: bytes are base64 (proto3 JSON mapping). */
const bytes = z.base64();
const payload = z.object({
  metadata: z.record(z.string(), bytes).default({}),
  data: bytes.exactOptional(),
});
const payloads = z.object({ payloads: z.array(payload).max(10_000) });
type JsonPayload = z.output<typeof payload>;

export const codecPath = '/codec/v1';

/**
 * The codec endpoint of Temporal Web and of `temporal --codec-endpoint`: opens payloads for whoever may read. There is no
 * way to seal one: nobody starts our workflows by hand.
 */
export const codecRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: `${codecPath}/decode`,
    title: 'Codec endpoint of Temporal Web: open payloads of runs for reading',
    access: { permission: 'read' },
    status: 200,
    isSecret: true,
    body: payloads,
    answer: payloads,
    serve: async ({ body }) => {
      const codec = openPayloadCodec(context.payloadKeys.ring);
      const opened = await codec.decode(body.payloads.map(fromJson));
      return { answer: { payloads: opened.map(toJson) } };
    },
  }),
];

const fromJson = ({ metadata, data }: JsonPayload) => ({
  metadata: mapped(metadata, (text) => Buffer.from(text, 'base64')),
  data: Buffer.from(data ?? '', 'base64'),
});

const toJson = (opened: {
  readonly metadata?: Readonly<Record<string, Uint8Array>> | null;
  readonly data?: Uint8Array | null;
}): JsonPayload => ({
  metadata: mapped(opened.metadata ?? {}, (value) => Buffer.from(value).toString('base64')),
  data: Buffer.from(opened.data ?? []).toString('base64'),
});

const mapped = <A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

/** Lets pages of Temporal Web, and no others, ask from a browser. Without a known address of it nobody may. */
export const codecOrigin =
  ({ temporalWeb }: Pick<Context, 'temporalWeb'>) =>
  (request: Request, response: Response, next: NextFunction): void => {
    const allowed = temporalWeb === undefined ? undefined : new URL(temporalWeb.url).origin;
    const origin = request.get('origin');
    response.set('Vary', 'Origin');
    if (origin !== undefined && origin !== allowed) throw fail('origin_refused', { origin });
    if (origin !== undefined)
      response.set({
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Allow-Credentials': 'true',
        'Access-Control-Allow-Headers': 'authorization, content-type, x-namespace',
        'Access-Control-Allow-Methods': 'POST, OPTIONS',
        'Cross-Origin-Resource-Policy': 'cross-origin',
      });
    if (request.method === 'OPTIONS') response.status(204).end();
    else next();
  };
