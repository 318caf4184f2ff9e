import { fail } from '#core/errors/fail.ts';
import type { RunTicket, RunBook } from '#core/ports/run-book.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { verifyReportShape } from '#core/settings/shape/reports.ts';
import { getSet, hasSet, storeVerify } from './backup-sets.ts';
import type { Database } from './database.ts';
import type { RunRow } from './runs.ts';
import { getRun, moveRun, specOfRun } from './runs.ts';

/** The catalog as the control activities see it. */
export const openRunBook = (db: Database): RunBook => ({
  ticket: async (runId) => ticketOf(await getRun(db, runId), await specOfRun(db, runId)),
  moveTo: (runId, state) => moveRun(db, runId, state),
  close: async (runId, outcome) => {
    const run = await getRun(db, runId);
    if (run.kind === 'verify-set' && (outcome.state === 'succeeded' || outcome.state === 'warned')) {
      await keepVerdict(db, run, outcome.result);
    }
    await moveRun(db, runId, outcome.state, outcome);
  },
  recordSet: async (runId, setId) => {
    if (!(await hasSet(db, setId))) throw fail('set_not_indexed', { set: setId });
    await db.change('update run set set_id = $2 where id = $1', [runId, setId]);
  },
});

async function keepVerdict(db: Database, run: RunRow, result: unknown): Promise<void> {
  const report = verifyReportShape.safeParse(result);
  if (run.setId === null || !report.success) return;
  await storeVerify(db, (await getSet(db, run.setId)).id, report.data);
}

function ticketOf(run: RunRow, spec: JobSpec): RunTicket {
  return {
    runId: run.id,
    kind: spec.kind,
    hostId: run.hostId,
    lane: laneOf(run, spec),
    reconnectMinutes: spec.reconnectMinutes,
    whenBusy: spec.whenBusy,
    ...(run.setId === null ? {} : { setId: run.setId }),
  };
}

/** Which lane a run holds (design §4): data and log of a resource, or the target of a restore. */
function laneOf(run: RunRow, spec: JobSpec): RunTicket['lane'] {
  switch (spec.kind) {
    case 'full-backup':
      return { owner: spec.resourceId, kind: 'data' };
    case 'log-backup':
      return { owner: spec.resourceId, kind: 'log' };
    case 'restore':
      return spec.plan.place.kind === 'in-place'
        ? { owner: spec.plan.place.resourceId, kind: 'exclusive' }
        : { owner: `${spec.hostId}:${spec.plan.place.directory}`, kind: 'exclusive' };
    case 'verify-set':
    case 'rebuild':
    case 'no-op':
      return { owner: run.hostId, kind: 'none' };
  }
}
