import { openRunBook } from '#catalog/runs/run-book.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { withKept } from '#catalog/transfers.ts';
import { moveRun, openRuns } from '#catalog/runs/runs.ts';
import { demandOwnNamespace } from '#catalog/temporal-home.ts';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import type { RunTicket } from '#core/ports/run-book.ts';
import type { Context } from '#api/context.ts';

const minuteMs = 60_000;
/** Beyond the reconnect time, which an agent may need to stop and clean up: as long as the run itself would wait. */
const graceMinutes = 2;

type LostRunPorts = Pick<Context, 'catalog' | 'runs' | 'clock' | 'log'>;

/**
 * Looks once for runs that nobody will close any more: their workflow was terminated, or Temporal has lost it. Their work
 * is told to stop; when it has had its time they are closed as failed, and their leases with them. Call it again and again:
 * it remembers since when a workflow is missing. Returns how many it closed. Throws `temporal_namespace_foreign`.
 */
export function openLostRuns(ports: LostRunPorts): () => Promise<number> {
  const missingSince = new Map<RunId, number>();
  return async () => {
    // Why each time: in another namespace every run looks lost, and Temporal may be changed under our feet.
    await demandOwnNamespace(ports.catalog, await ports.runs.namespace());
    let closed = 0;
    const open = await openRuns(ports.catalog);
    for (const run of open) {
      const since = await lostSince(ports, run, missingSince);
      if (since !== undefined && (await settled(ports, run, since))) closed += 1;
    }
    for (const id of missingSince.keys()) if (!open.some((run) => run.id === id)) missingSince.delete(id);
    return closed;
  };
}

/** Undefined for a run that may still go on. One that is queued and unknown to Temporal is handed to it when the API starts. */
async function lostSince(
  { runs, clock }: LostRunPorts,
  { id, state }: RunRow,
  missingSince: Map<RunId, number>,
): Promise<number | undefined> {
  const found = await runs.whereabouts(id);
  if (found.at === 'end') return found.sinceMs;
  if (found.at === 'work' || state === 'queued') {
    missingSince.delete(id);
    return undefined;
  }
  const since = missingSince.get(id) ?? clock.nowMs();
  missingSince.set(id, since);
  return since;
}

async function settled({ catalog, runs, clock, log }: LostRunPorts, { id }: RunRow, since: number): Promise<boolean> {
  const { lane, reconnectMinutes } = await openRunBook(catalog).ticket(id);
  await runs.stopWork(id, laneOf(id, lane));
  if (clock.nowMs() - since < (reconnectMinutes + graceMinutes) * minuteMs) return false;
  const { code, params, message } = fail('run_lost', { run: id });
  // Why not before: a workflow that closes its run in this very moment has the last word.
  await moveRun(catalog, id, 'failed', await withKept(catalog, id, { state: 'failed', code, params, message }));
  log.warn({ run: id }, 'closed a run whose workflow has ended without a word');
  return true;
}

/** Work that holds nothing has a lane of its own, named after its run (workflows/execute-run.ts). */
const laneOf = (run: RunId, lane: RunTicket['lane']): RunTicket['lane'] =>
  lane.kind === 'none' ? { owner: run, kind: 'none' } : lane;
