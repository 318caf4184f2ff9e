import { setTimeout as wait } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { Database } from '#catalog/database.ts';
import { getRun, runEventsAfter } from '#catalog/runs/runs.ts';
import type { RunId } from '#core/id.ts';
import { isFinal } from '#core/run/run-state.ts';
import { openEventStream } from '#api/http/sse.ts';

const lookEveryMs = 500;
const pageLines = 500;
/** One comment per this many looks: 15 s. */
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
  const stream = openEventStream(request, response, after);
  let seen = stream.after;
  for (let look = 0; !stream.gone.aborted; look++) {
    // Why the state first: lines that were written before the end are all read after it.
    const { state } = await getRun(db, run);
    const lines = await runEventsAfter(db, run, seen, pageLines);
    for (const line of lines) await stream.send('line', line.seq, line);
    seen = lines[lines.length - 1]?.seq ?? seen;
    if (lines.length === pageLines) continue;
    if (isFinal(state)) break;
    if (look % beatEveryLooks === 0) stream.beat();
    await wait(lookEveryMs, undefined, { signal: stream.gone }).catch(() => undefined);
  }
  response.end('event: end\ndata: {}\n\n');
}
