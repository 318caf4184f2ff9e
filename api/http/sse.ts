import { once } from 'node:events';
import type { Request, Response } from 'express';

/** A stream of server-sent events to one client. */
export interface EventStream {
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal;
  /** The number behind which the client goes on: its `Last-Event-ID`, or what it asked for when that is later. */
  readonly after: number;
  /** Resolves when the client can take more: a slow one never makes the server remember. */
  send(event: string, id: number, data: unknown): Promise<void>;
  /** A comment; keeps proxies from closing an idle stream. */
  beat(): void;
}

/** Begins to answer with server-sent events (WHATWG HTML §9.2). */
export function openEventStream(request: Request, response: Response, after: number): EventStream {
  const last = Number(request.get('last-event-id'));
  const gone = new AbortController();
  request.on('close', () => {
    gone.abort();
  });
  response.status(200).set({ 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' });
  response.flushHeaders();
  return {
    gone: gone.signal,
    after: Number.isSafeInteger(last) && last > after ? last : after,
    send: async (event, id, data) => {
      const hasRoom = response.write(`event: ${event}\nid: ${String(id)}\ndata: ${JSON.stringify(data)}\n\n`);
      if (!hasRoom) await once(response, 'drain', { signal: gone.signal }).catch(() => undefined);
    },
    beat: () => {
      response.write(': beat\n\n');
    },
  };
}
