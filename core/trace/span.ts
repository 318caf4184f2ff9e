import type { RunId } from '../id.ts';

/** Something that took time, as OpenTelemetry sees it. Names and attributes hold ids and words of ours, never what a customer named. */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentId?: string;
  readonly name: string;
  readonly kind: 'server' | 'internal';
  /** Milliseconds since 1970. */
  readonly beganMs: number;
  readonly endedMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Code of what it failed with; absent: it did not. */
  readonly failure?: string;
  /** A span of whoever called us: a run is a trace of its own, however it was asked for. */
  readonly link?: SpanPlace;
}

export interface SpanPlace {
  readonly traceId: string;
  readonly spanId: string;
}

const idShape = /run_([0-9a-f]{32})$/;

/** The run that a text ends with, such as a path. */
export const runAtEnd = (text: string): RunId | undefined => {
  const found = idShape.exec(text)?.[0];
  return found as RunId | undefined;
};

/**
 * Trace of a run: the digits of its id. Every process that works for a run knows them, so nothing has to travel beside orders and
 * histories, and what is told again after a crash falls into its place.
 */
export const traceIdOf = (run: RunId): string => run.slice(-32);

/** The span of the whole run: the random end of its id. */
export const runSpanOf = (run: RunId): string => run.slice(-16);

/** The span of the request that asked for a run: distinct from that of the run in its first bit. */
export function requestSpanOf(run: RunId): string {
  const [first = '0', ...rest] = runSpanOf(run);
  return [(Number.parseInt(first, 16) ^ 8).toString(16), ...rest].join('');
}

const contextShape = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** Reads a `traceparent` header (W3C Trace Context); undefined when it is none. */
export function placeIn(header: string): SpanPlace | undefined {
  const [, traceId, spanId] = contextShape.exec(header) ?? [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}
