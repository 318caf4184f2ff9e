import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { z } from 'zod';
import type { HeldKey, IdempotencyScope, KeptAnswer } from '#catalog/runs/idempotency-keys.ts';
import { freeKey, holdKey, keepAnswer, takeKey } from '#catalog/runs/idempotency-keys.ts';
import { getRun } from '#catalog/runs/runs.ts';
import { fail } from '#core/errors/fail.ts';
import { sha256 } from './bearer.ts';
import type { Context } from '#api/context.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Caller, Route, Served } from './route.ts';

interface Attempt {
  readonly context: Context;
  readonly route: Route;
  readonly request: Request;
  readonly caller: Caller;
}

const keptShape = z.object({ answer: z.unknown(), location: z.string().optional() });
/** What is kept of a request that started a run, until it is answered. */
const startedShape = z.object({ run: idShape('run') });

const asked = new AsyncLocalStorage<HeldKey>();
/** Well within the 30 s after which a key is free. */
const holdEveryMs = 5000;

/** The key under which what is being served was asked for; undefined when there is none. */
export const keyOfRequest = (): HeldKey | undefined => asked.getStore();

/**
 * Serves a POST once per Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a repeat gets the first answer.
 * Throws `key_required`, `idempotency_conflict`, `idempotency_in_flight`.
 */
export async function oncePerKey(
  { context, route, request, caller }: Attempt,
  serve: () => Promise<Served<unknown>>,
): Promise<{ readonly served: Served<unknown>; readonly wasReplayed: boolean }> {
  const key = request.get('idempotency-key');
  const { method, path } = request;
  if (key === undefined && route.needsKey === true) throw fail('key_required', { method, path });
  const isKept = route.method === 'post' && route.isSecret !== true;
  if (key === undefined || !isKept || caller.kind !== 'token') return { served: await serve(), wasReplayed: false };

  const scope: HeldKey = {
    ...{ principal: caller.principal, method, path, key: key.slice(0, 200), holder: randomUUID() },
  };
  const body = sha256(JSON.stringify(request.body ?? null));
  const first = await takeKey(context.catalog, scope, body);
  if (first !== undefined) return { served: await replayOf(context, { scope, first, body }), wasReplayed: true };
  const holding = keepHolding(context, scope);
  try {
    const served = await asked.run(scope, serve);
    await keepAnswer(context.catalog, scope, route.status, served);
    return { served, wasReplayed: false };
  } catch (cause) {
    await freeKey(context.catalog, scope);
    throw cause;
  } finally {
    clearInterval(holding);
  }
}

/** Says from time to time that the request is being served; while the catalog is away nobody hears it. */
const keepHolding = ({ catalog, log }: Context, scope: HeldKey): NodeJS.Timeout =>
  setInterval(() => {
    void holdKey(catalog, scope).catch((error: unknown) => {
      log.warn({ err: error }, 'the key of a request is not renewed');
    });
  }, holdEveryMs).unref();

interface Repeat {
  readonly scope: IdempotencyScope;
  readonly first: KeptAnswer;
  readonly body: Uint8Array;
}

/** The first answer; of a request whose server was killed before it answered, the run that it had recorded. */
async function replayOf({ catalog }: Context, { scope, first, body }: Repeat): Promise<Served<unknown>> {
  const { key } = scope;
  if (!timingSafeEqual(first.bodySha256, body)) throw fail('idempotency_conflict', { key });
  if (first.status === null) {
    const started = startedShape.safeParse(first.response);
    if (!started.success) throw fail('idempotency_in_flight', { key });
    const run = await getRun(catalog, started.data.run);
    return { answer: run, location: `/api/v1/runs/${run.id}` };
  }
  const { answer, location } = keptShape.parse(first.response);
  return location === undefined ? { answer } : { answer, location };
}
