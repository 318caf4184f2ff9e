import { randomBytes } from 'node:crypto';
import { fail } from '#core/errors/fail.ts';
import type { TraceSettings } from '#core/settings/trace-settings.ts';
import type { TraceSource } from '#core/trace/otlp.ts';
import { otlpBody } from '#core/trace/otlp.ts';
import type { Span } from '#core/trace/span.ts';
import { productVersion } from '#core/version.ts';

/** Takes spans and sends them when it suits; nothing waits for it and nothing fails by it. */
export interface Tracer {
  /** False: no endpoint is set, and spans are thrown away. */
  readonly isOn: boolean;
  add(span: Span): void;
  /** Sends what is left, for at most some seconds. */
  close(): Promise<void>;
}

export interface TracerPorts {
  readonly service: TraceSource['service'];
  /** Hears of a receiver that is away, once until it is back. */
  readonly onTrouble: (error: unknown) => void;
}

const sendEveryMs = 2000;
const sendWithinMs = 5000;
/** What waits while the receiver is away; beyond that the oldest are lost. */
const mostWaiting = 4096;
const mostAtOnce = 512;
const spanBytes = 8;

export const newSpanId = (): string => randomBytes(spanBytes).toString('hex');

/** Throws every span away. */
export const noTracer: Tracer = { isOn: false, add: () => undefined, close: () => Promise.resolve() };

/** `name=value,other=value` with percent-encoded values (OpenTelemetry protocol exporter specification). */
export function headersIn(text: string): Readonly<Record<string, string>> {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
    }),
  );
}

/**
 * Opens the way to the receiver of the settings; without one every span is thrown away. Our own, because the kept line of the
 * exporter of OpenTelemetry (0.301, sdk-trace 3) asks for Node 22.15 and this product runs on Node 20; it is to go when that ends.
 */
export function openTracer(settings: TraceSettings, { service, onTrouble }: TracerPorts): Tracer {
  const { otelExporterOtlpEndpoint: endpoint, otelExporterOtlpHeaders: given = '' } = settings;
  if (endpoint === undefined) return noTracer;
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const headers = { ...headersIn(given), 'content-type': 'application/json' };
  const source = { service, version: productVersion };
  let waiting: Span[] = [];
  let isAway = false;
  let sending: Promise<void> = Promise.resolve();
  const send = async (): Promise<void> => {
    const spans = waiting.slice(0, mostAtOnce);
    if (spans.length === 0) return;
    try {
      await post(url, headers, JSON.stringify(otlpBody(source, spans)));
      const sent = new Set(spans);
      waiting = waiting.filter((span) => !sent.has(span));
      isAway = false;
    } catch (error) {
      if (!isAway) onTrouble(error);
      isAway = true;
    }
  };
  const sendNext = (): Promise<void> => (sending = sending.then(send));
  const timer = setInterval(() => void sendNext(), sendEveryMs);
  timer.unref();
  return {
    isOn: true,
    add: (span) => {
      waiting = [...waiting, span].slice(-mostWaiting);
    },
    close: async () => {
      clearInterval(timer);
      await sendNext();
    },
  };
}

/** Throws `trace_receiver_refused`, and what fetch throws when nobody answers. */
async function post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<void> {
  const signal = AbortSignal.timeout(sendWithinMs);
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'error', signal });
  await response.arrayBuffer();
  if (!response.ok) throw fail('trace_receiver_refused', { url, status: String(response.status) });
}
