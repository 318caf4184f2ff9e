import type { ErrorSpec } from '../error-spec.ts';

/** Errors of telling traces; runs go on without them. */
export const traceErrors = {
  trace_receiver_refused: {
    class: 'unavailable',
    http: 503,
    message: 'The receiver of traces at {url} answered {status}',
    hint: 'Check OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS, and that the receiver takes OTLP over HTTP as JSON. Runs go on without traces.',
    messageZh: '位于 {url} 的链路追踪接收端返回 {status}',
    hintZh:
      '请检查 OTEL_EXPORTER_OTLP_ENDPOINT 与 OTEL_EXPORTER_OTLP_HEADERS,并确认接收端支持 OTLP/HTTP 的 JSON 格式。作业不受影响,只是没有链路追踪。',
  },
} as const satisfies Record<string, ErrorSpec>;
