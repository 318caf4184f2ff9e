import { setTimeout as wait } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { Database } from '#catalog/database.ts';
import { getRun, runEventsAfter } from '#catalog/runs.ts';
import type { RunId } from '#core/id.ts';
import { isFinal } from '#core/run/run-state.ts';

const lookEveryMs = 500;
const pageLines = 500;
/** Comments keep proxies from closing an idle stream: one per this many looks. */
const beatEveryLooks = 30;

/**
 * Server-sent events: `line` per log line with its number as id, `end` with the final state. A client that was cut off
 * continues with `Last-Event-ID`.
 */
export async function followLog(
  db: Database,
  { run, after }: { readonly run: RunId; readonly after: number },
  request: Request,
  response: Response,
): Promise<void> {
  const last = Number(request.get('last-event-id'));
  let seen = Number.isSafeInteger(last) && last > after ? last : after;
  const gone = new AbortController();
  request.on('close', () => {
    gone.abort();
  });
  response.status(200).set({ 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' });
  response.flushHeaders();
  for (let look = 0; !gone.signal.aborted; look++) {
    const { state } = await getRun(db, run);
    const lines = await runEventsAfter(db, run, seen, pageLines);
    for (const line of lines) response.write(`event: line\nid: ${String(line.seq)}\ndata: ${JSON.stringify(line)}\n\n`);
    seen = lines[lines.length - 1]?.seq ?? seen;
    if (lines.length === pageLines) continue;
    if (isFinal(state)) break;
    if (look % beatEveryLooks === 0) response.write(': beat\n\n');
    await wait(lookEveryMs, undefined, { signal: gone.signal }).catch(() => undefined);
  }
  response.end('event: end\ndata: {}\n\n');
}
