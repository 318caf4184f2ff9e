import { randomUUID } from 'node:crypto';
import type { Express, NextFunction, Request, Response } from 'express';
import express from 'express';
import helmet from 'helmet';
import { demand } from '#core/access/permission.ts';
import { fail, bug } from '#core/errors/fail.ts';
import { authenticate, authenticateHost } from './http/authenticate.ts';
import { codecOrigin, codecPath } from './http/codec.ts';
import type { Context } from './context.ts';
import { oncePerKey } from './http/idempotency.ts';
import { openapiOf } from './http/openapi.ts';
import { problemOf } from './http/problem.ts';
import { noteRun, tellRequest } from './http/request-span.ts';
import type { Caller, Route, Served } from './http/route.ts';

export interface ServerOptions {
  /** In tests: an answer that does not match what /openapi.json promises is a bug. */
  readonly checksAnswers?: boolean;
}

/** The HTTP server of all routes. Everything it says about an error is a problem (RFC 9457). */
export function buildServer(context: Context, routes: readonly Route[], options: ServerOptions = {}): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(helmet());
  app.use(named(context));
  app.use(codecPath, codecOrigin(context));
  app.use(express.json({ limit: '32mb', strict: true }));
  const openapi = openapiOf(routes);
  app.get('/openapi.json', (_request, response) => {
    response.json(openapi);
  });
  for (const route of routes) app[route.method](expressPath(route.path), handlerOf(context, route, options));
  app.use((request) => {
    throw fail('route_unknown', { method: request.method, path: request.path });
  });
  app.use(asProblem(context));
  return app;
}

const expressPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

/** Every request has an id that its answer, its problem and the log carry. */
const named =
  ({ log, clock, metrics, tracer }: Context) =>
  (request: Request, response: Response, next: NextFunction): void => {
    const given = request.get('x-request-id') ?? '';
    const traceId = /^[A-Za-z0-9-]{8,64}$/.test(given) ? given : randomUUID();
    response.locals['traceId'] = traceId;
    response.set({ 'X-Request-Id': traceId, 'Cache-Control': 'no-store' });
    const began = clock.nowMs();
    response.on('finish', () => {
      const { method, path } = request;
      const [status, ms] = [response.statusCode, clock.nowMs() - began];
      log.info({ traceId, method, path, status, ms }, 'served');
      const served: unknown = response.locals['route'];
      tellRequest({ tracer, clock, beganMs: began }, request, response);
      // Why only known routes: a label must not grow with what strangers ask for.
      if (typeof served === 'string') metrics.timeRequest({ method, route: served, status, ms });
    });
    next();
  };

const handlerOf =
  (context: Context, route: Route, options: ServerOptions) =>
  async (request: Request, response: Response): Promise<void> => {
    if (route.stream === undefined) response.locals['route'] = route.path;
    const caller = await admit(context, route, request);
    const foreign = { params: request.params, query: request.query, body: request.body as unknown, caller };
    if (route.stream !== undefined && isStreamWanted(route, request)) {
      await route.stream(foreign, request, response);
      return;
    }
    const { served, wasReplayed } = await oncePerKey({ context, route, request, caller }, () => route.serve(foreign));
    checkAnswer(route, served, options);
    noteRun(response, served, wasReplayed);
    if (wasReplayed) response.set('Idempotency-Replayed', 'true');
    if (served.location !== undefined) response.set('Location', served.location);
    response.status(route.status);
    if (route.answer === undefined) response.end();
    else if (route.contentType === undefined) response.json(served.answer);
    else response.type(route.contentType).send(served.answer);
  };

const isStreamWanted = (route: Route, request: Request): boolean =>
  route.answer === undefined || request.accepts(['application/json', 'text/event-stream']) === 'text/event-stream';

async function admit(context: Context, route: Route, request: Request): Promise<Caller> {
  if (route.access === 'everybody') return { kind: 'nobody' };
  const header = request.get('authorization');
  if (route.access === 'host') return { kind: 'host', hostId: await authenticateHost(context.catalog, header) };
  const caller = await authenticate(context.catalog, header);
  demand(caller.role, route.access.permission);
  return caller;
}

function checkAnswer(route: Route, served: Served<unknown>, { checksAnswers = false }: ServerOptions): void {
  if (!checksAnswers || route.answer === undefined) return;
  const parsed = route.answer.safeParse(JSON.parse(JSON.stringify(served.answer)));
  if (!parsed.success)
    throw bug(`${route.method} ${route.path} answers what it does not promise: ${parsed.error.message}`);
}

/** Express knows an error handler by its four parameters. */
const asProblem =
  ({ log }: Context) =>
  (thrown: unknown, request: Request, response: Response, next: NextFunction): void => {
    const traceId = String(response.locals['traceId']);
    const problem = problemOf(thrown, request.path, traceId);
    if (problem.status >= 500) log.error({ traceId, code: problem.code, cause: causesOf(thrown) }, problem.detail);
    if (response.headersSent) next(thrown);
    else response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };

/** Messages from the error to its root, for our log only. */
function causesOf(thrown: unknown): string[] {
  const texts: string[] = [];
  for (let e: unknown = thrown; e instanceof Error && texts.length < 6; e = e.cause)
    texts.push(`${e.name}: ${e.message}`);
  return texts;
}
