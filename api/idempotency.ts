import { timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { z } from 'zod';
import type { IdempotencyScope } from '#catalog/idempotency-keys.ts';
import { freeKey, keepAnswer, takeKey } from '#catalog/idempotency-keys.ts';
import { fail } from '#core/errors/fail.ts';
import { sha256 } from './bearer.ts';
import type { Context } from './context.ts';
import type { Caller, Route, Served } from './route.ts';

interface Attempt {
  readonly context: Context;
  readonly route: Route;
  readonly request: Request;
  readonly caller: Caller;
}

const keptShape = z.object({ answer: z.unknown(), location: z.string().optional() });

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

  const scope: IdempotencyScope = { principal: caller.principal, method, path, key: key.slice(0, 200) };
  const body = sha256(JSON.stringify(request.body ?? null));
  const first = await takeKey(context.catalog, scope, body);
  if (first !== undefined) return { served: replayOf(scope, first, body), wasReplayed: true };
  try {
    const served = await serve();
    await keepAnswer(context.catalog, scope, route.status, served);
    return { served, wasReplayed: false };
  } catch (cause) {
    await freeKey(context.catalog, scope);
    throw cause;
  }
}

function replayOf(
  { key }: IdempotencyScope,
  first: { bodySha256: Uint8Array; status: number | null; response?: unknown },
  body: Uint8Array,
): Served<unknown> {
  if (!timingSafeEqual(first.bodySha256, body)) throw fail('idempotency_conflict', { key });
  if (first.status === null) throw fail('idempotency_in_flight', { key });
  const { answer, location } = keptShape.parse(first.response);
  return location === undefined ? { answer } : { answer, location };
}
