import type { Request, Response } from 'express';
import type { RunId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import { placeIn, requestSpanOf, runAtEnd, runSpanOf, traceIdOf } from '#core/trace/span.ts';
import type { Tracer } from '#wire/trace/tracer.ts';
import { newSpanId } from '#wire/trace/tracer.ts';
import type { Served } from './route.ts';

/** Remembers what a request did to a run, for its span. An answer that was only repeated started nothing. */
export function noteRun(response: Response, served: Served<unknown>, wasReplayed: boolean): void {
  const started = wasReplayed ? undefined : runAtEnd(served.location ?? '');
  if (started !== undefined) response.locals['startedRun'] = started;
}

interface RequestTold {
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly beganMs: number;
}

/** A span for a request that started a run, or that changed one; requests that only look have none. */
export function tellRequest({ tracer, clock, beganMs }: RequestTold, request: Request, response: Response): void {
  const started: unknown = response.locals['startedRun'];
  const { run: named = '' } = request.params as Readonly<Record<string, string | undefined>>;
  const run = typeof started === 'string' ? runAtEnd(started) : request.method === 'GET' ? undefined : runAtEnd(named);
  const route: unknown = response.locals['route'];
  if (!tracer.isOn || run === undefined || typeof route !== 'string') return;
  const link = placeIn(request.get('traceparent') ?? '');
  const { statusCode } = response;
  tracer.add({
    ...{ traceId: traceIdOf(run), ...placeOf(run, started === run), name: `${request.method} ${route}` },
    ...{ kind: 'server', beganMs, endedMs: clock.nowMs() },
    attributes: {
      ...{ 'http.request.method': request.method, 'http.route': route, 'http.response.status_code': statusCode },
      'holdfast.run': run,
    },
    ...(statusCode >= 400 ? { failure: String(statusCode) } : {}),
    ...(link === undefined ? {} : { link }),
  });
}

/** What started a run is above it, what changed it below. */
const placeOf = (run: RunId, hasStarted: boolean) =>
  hasStarted ? { spanId: requestSpanOf(run) } : { spanId: newSpanId(), parentId: runSpanOf(run) };
