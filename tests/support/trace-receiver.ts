import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import { z } from 'zod';

const attributeShape = z.object({
  key: z.string(),
  value: z.object({ stringValue: z.string().optional(), intValue: z.string().optional() }),
});
const spanShape = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: z.array(attributeShape),
  status: z.object({ code: z.number(), message: z.string().optional() }),
});
const bodyShape = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attributeShape) }),
      scopeSpans: z.array(z.object({ spans: z.array(spanShape) })),
    }),
  ),
});

/** A span as it arrived, with the service that sent it. */
export type ReceivedSpan = z.output<typeof spanShape> & { readonly service: string };

/** A small real receiver of OTLP/HTTP. */
export interface TraceReceiver {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Everything that was sent, as text. */
  readonly bodies: readonly string[];
  readonly headers: IncomingHttpHeaders;
  refuse(isRefusing: boolean): void;
  close(): Promise<void>;
}

function spansIn(text: string): ReceivedSpan[] {
  const { resourceSpans } = bodyShape.parse(JSON.parse(text));
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, service })));
  });
}

export async function openReceiver(): Promise<TraceReceiver> {
  const [spans, bodies]: [ReceivedSpan[], string[]] = [[], []];
  let headers: IncomingHttpHeaders = {};
  let isRefusing = false;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      headers = request.headers;
      const isTaken = request.method === 'POST' && request.url === '/v1/traces' && !isRefusing;
      if (isTaken) {
        const body = Buffer.concat(parts).toString();
        bodies.push(body);
        spans.push(...spansIn(body));
      }
      response.writeHead(isTaken ? 200 : 503, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    ...{ url: `http://127.0.0.1:${String(port)}`, spans, bodies },
    get headers() {
      return headers;
    },
    refuse: (isRefusingNow) => {
      isRefusing = isRefusingNow;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
