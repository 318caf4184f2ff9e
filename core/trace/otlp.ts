import type { Span } from './span.ts';

/** Which process tells. */
export interface TraceSource {
  /** `holdfast-api`, `holdfast-worker` or `holdfast-agent`. */
  readonly service: string;
  readonly version: string;
}

/** Numbers of opentelemetry/proto/trace/v1/trace.proto. */
const kinds = { internal: 1, server: 2 } as const;
const status = { unset: 0, error: 2 } as const;
const scope = 'holdfast';

const attribute = ([key, value]: readonly [string, string | number]) => ({
  key,
  value: typeof value === 'number' ? { intValue: String(Math.round(value)) } : { stringValue: value },
});

/** Nanoseconds as decimal text: a number of JavaScript cannot hold them. */
const nanoseconds = (ms: number): string => `${String(Math.round(ms))}000000`;

const spanBody = ({ traceId, spanId, parentId, name, kind, beganMs, endedMs, ...rest }: Span) => ({
  ...{ traceId, spanId, name, kind: kinds[kind] },
  ...(parentId === undefined ? {} : { parentSpanId: parentId }),
  ...{ startTimeUnixNano: nanoseconds(beganMs), endTimeUnixNano: nanoseconds(Math.max(beganMs, endedMs)) },
  attributes: Object.entries(rest.attributes).map(attribute),
  ...(rest.link === undefined ? {} : { links: [rest.link] }),
  status: rest.failure === undefined ? { code: status.unset } : { code: status.error, message: rest.failure },
});

/** An ExportTraceServiceRequest in the JSON encoding of OTLP/HTTP (OpenTelemetry protocol specification 1.x). */
export const otlpBody = ({ service, version }: TraceSource, spans: readonly Span[]) => ({
  resourceSpans: [
    {
      resource: { attributes: Object.entries({ 'service.name': service, 'service.version': version }).map(attribute) },
      scopeSpans: [{ scope: { name: scope, version }, spans: spans.map(spanBody) }],
    },
  ],
});
