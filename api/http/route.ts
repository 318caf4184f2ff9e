import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Permission, Role } from '#core/access/permission.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId } from '#core/id.ts';
import { openUnknownPart } from '#core/settings/unknown-part.ts';

/** Who asks: a person or program with an API token, a host with its key, or nobody yet (enrolment, health). */
export type Caller =
  | { readonly kind: 'token'; readonly name: string; readonly principal: string; readonly role: Role }
  | { readonly kind: 'host'; readonly hostId: HostId }
  | { readonly kind: 'nobody' };

/** Who may ask: a permission of an API token, any enrolled host, or everybody. */
export type Access = { readonly permission: Permission } | 'host' | 'everybody';

export interface Served<R> {
  readonly answer: R;
  /** Sent as `Location`: where the thing that was made can be looked at. */
  readonly location?: string;
}

export interface RouteSpec<P, Q, B, R> {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** OpenAPI form: `/runs/{run}`. */
  readonly path: string;
  readonly title: string;
  readonly access: Access;
  readonly status: 200 | 201 | 202 | 204;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  readonly answer?: z.ZodType<R>;
  /** The header `Idempotency-Key` is taken by every POST; a restore cannot be asked for without one. */
  readonly needsKey?: boolean;
  /** The question or the answer is a secret, so nothing of it is kept for repeats. */
  readonly isSecret?: boolean;
  readonly serve: (asked: Asked<P, Q, B>) => Promise<Served<R>>;
  /** The answer is text of this type, not JSON. */
  readonly contentType?: string;
  /** Streams instead, when the caller accepts `text/event-stream`; always when the route has no other answer. */
  readonly stream?: (asked: Asked<P, Q, B>, request: Request, response: Response) => Promise<void>;
}

export interface Asked<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: Caller;
}

export interface Foreign {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly caller: Caller;
}

/** A route with its types closed over: what the server mounts and what /openapi.json describes are one record. */
export interface Route extends Omit<RouteSpec<unknown, unknown, unknown, unknown>, 'serve' | 'stream'> {
  readonly serve: (asked: Foreign) => Promise<Served<unknown>>;
  readonly stream?: (asked: Foreign, request: Request, response: Response) => Promise<void>;
}

/** Finds a part of a value that its shape would drop without a word. */
function unknownPartOf(shape: z.ZodType): ReturnType<typeof openUnknownPart> {
  let look: ReturnType<typeof openUnknownPart> | undefined;
  // Why late: hundreds of shapes would be read when the server starts.
  return (value) => (look ??= openUnknownPart(shape))(value);
}

/** Refuses a value with a part that its shape does not know; `above`: where in the body it stands. Throws `body_part_unknown`. */
export function knownPartsOf(shape: z.ZodType, above = ''): (value: unknown) => void {
  const look = unknownPartOf(shape);
  return (value) => {
    const found = look(value);
    if (found !== undefined)
      throw fail('body_part_unknown', {
        part: `${above}${found.path}`,
        near: found.near.map((part) => `${above}${part}`).join(', '),
      });
  };
}

/** The same of what stands behind the question mark. Throws `query_part_unknown`. */
function knownQueryOf(shape: z.ZodType = noQuery): (value: unknown) => void {
  const look = unknownPartOf(shape);
  return (value) => {
    const found = look(value);
    if (found !== undefined) throw fail('query_part_unknown', { part: found.path, near: found.near.join(', ') });
  };
}

const nothing = z.unknown();
const noQuery = z.object({});

/**
 * Parses what came in by the shapes of the route before it is served. Throws `query_part_unknown`, `body_part_unknown`, ZodError and what `serve`
 * throws.
 * What agents say may have parts that this server does not know: they may be newer.
 */
export function route<P, Q, B, R>(spec: RouteSpec<P, Q, B, R>): Route {
  const { stream, body, ...rest } = spec;
  const isForPeople = typeof spec.access !== 'string';
  const demandKnownQuery = isForPeople ? knownQueryOf(spec.query) : undefined;
  const demandKnown = body !== undefined && isForPeople ? knownPartsOf(body) : undefined;
  const parsed = (foreign: Foreign): Asked<P, Q, B> => {
    demandKnownQuery?.(foreign.query);
    demandKnown?.(foreign.body);
    return {
      params: (spec.params ?? anything<P>()).parse(foreign.params),
      query: (spec.query ?? anything<Q>()).parse(foreign.query),
      body: (body ?? anything<B>()).parse(foreign.body),
      caller: foreign.caller,
    };
  };
  return {
    ...rest,
    ...(body === undefined ? {} : { body }),
    serve: async (foreign) => spec.serve(parsed(foreign)),
    ...(stream === undefined
      ? {}
      : { stream: async (foreign, request, response) => stream(parsed(foreign), request, response) }),
  };
}

/** Stands for a part that the route does not read. */
const anything = <T>(): z.ZodType<T> => nothing as unknown as z.ZodType<T>;
