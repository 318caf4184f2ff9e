import { setTimeout as wait } from 'node:timers/promises';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { EventFilter } from '#catalog/notices/events.ts';
import { eventsAfter, eventsBefore, lastEventNumber } from '#catalog/notices/events.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { fail } from '#core/errors/fail.ts';
import type { EventType } from '#core/notice/event-type.ts';
import { asksFor, eventTypeNames, isEventPattern } from '#core/notice/event-type.ts';
import { eventShape } from '#core/settings/shape/event.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { openEventStream } from '#api/http/sse.ts';
import { listShape } from './words.ts';

const filterQuery = {
  types: z
    .string()
    .max(500)
    .optional()
    .meta({ description: 'types, groups as run.*, or problems; separated by commas' }),
  resource: z.string().optional(),
  run: idShape('run').optional(),
};
const number = z.coerce.number().int().min(0);
const pageShape = z.object({
  ...filterQuery,
  cursor: number.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const streamShape = z.object({
  ...filterQuery,
  after: number.optional().meta({ description: 'goes on behind this number; absent: only what happens from now on' }),
});

/** Events: what happened, by page and as it happens. */
export const eventRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/events',
    title: 'Events, newest first: what became of runs, and what began or ended to hold',
    access: { permission: 'read' },
    status: 200,
    query: pageShape,
    answer: listShape(eventShape.meta({ id: 'Event' })),
    serve: async ({ query }) => {
      const rows = await eventsBefore(context.catalog, query.cursor, query.limit + 1, await filterOf(context, query));
      const data = rows.slice(0, query.limit);
      const hasMore = rows.length > query.limit;
      const nextCursor = hasMore ? String(data[data.length - 1]?.seq) : null;
      return { answer: { data, nextCursor, hasMore } };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/events/stream',
    title: 'Events as they happen, as text/event-stream; Last-Event-ID goes on behind an event',
    access: { permission: 'read' },
    status: 200,
    query: streamShape,
    serve: () => Promise.reject(fail('bug', { what: 'the stream of events has no other answer' })),
    stream: async ({ query }, request, response) => {
      const filter = await filterOf(context, query);
      const after = query.after ?? (await startOf(context, request));
      await followEvents(context, { after, filter }, request, response);
    },
  }),
];

/** A client that names the last event it has needs no other place to begin. */
const startOf = async ({ catalog }: Context, request: Request): Promise<number> =>
  request.get('last-event-id') === undefined ? lastEventNumber(catalog) : 0;

async function filterOf(
  { catalog }: Context,
  { types, resource, run }: Pick<z.output<typeof pageShape>, 'types' | 'resource' | 'run'>,
): Promise<EventFilter> {
  return {
    ...(types === undefined ? {} : { types: typesOf(types) }),
    ...(resource === undefined ? {} : { resourceId: (await getResource(catalog, resource)).id }),
    ...(run === undefined ? {} : { runId: run }),
  };
}

function typesOf(text: string): readonly EventType[] {
  const patterns = text.split(',').map((pattern) => pattern.trim());
  const wrong = patterns.find((pattern) => !isEventPattern(pattern));
  if (wrong !== undefined) throw fail('event_type_unknown', { type: wrong, known: eventTypeNames.join(', ') });
  return eventTypeNames.filter((type) => asksFor(patterns, type) || patterns.includes(type));
}

const lookEveryMs = 500;
const pageEvents = 200;
/** 15 s. */
const beatEveryLooks = 30;

/** Until the client goes or the server ends: events have no last one. */
async function followEvents(
  { catalog }: Context,
  { after, filter }: { readonly after: number; readonly filter: EventFilter },
  request: Request,
  response: Response,
): Promise<void> {
  const stream = openEventStream(request, response, after);
  let seen = stream.after;
  for (let look = 0; !stream.gone.aborted; look++) {
    const events = await eventsAfter(catalog, seen, pageEvents, filter);
    for (const event of events) await stream.send(event.type, event.seq, event);
    seen = events[events.length - 1]?.seq ?? seen;
    if (events.length === pageEvents) continue;
    if (look % beatEveryLooks === 0) stream.beat();
    await wait(lookEveryMs, undefined, { signal: stream.gone }).catch(() => undefined);
  }
  response.end();
}
