import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { SetId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import type { RunBook, RunOutcome, RunTicket } from '#core/ports/run-book.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import type { JobSpec, JobSpecOf } from '#core/settings/job-spec.ts';
import { hasSet, storeVerify } from './backup-sets.ts';
import type { Database } from './database.ts';
import type { RunRow } from './runs.ts';
import { getRun, moveRun, specOfRun } from './runs.ts';

/** The catalog as the control activities see it. */
export const openRunBook = (db: Database): RunBook => ({
  ticket: async (runId) => ticketOf(await getRun(db, runId), await specOfRun(db, runId)),
  begin: async (runId) => {
    if ((await getRun(db, runId)).state !== 'paused') await moveRun(db, runId, 'running');
  },
  moveTo: (runId, state) => moveRun(db, runId, state),
  close: async (runId, outcome) => {
    const run = await getRun(db, runId);
    const verdict = run.kind === 'verify-set' ? verdictOf(outcome) : undefined;
    if (verdict !== undefined && run.setId !== null) {
      await storeVerify(db, run.setId, verdict);
      const [base] = damagedBases(verdict, run.setId);
      if (base !== undefined) await storeVerify(db, base, verdict);
    }
    await moveRun(db, runId, outcome.state, outcome);
  },
  recordSet: async (runId, setId) => {
    if (!(await hasSet(db, setId))) throw fail('set_not_indexed', { set: setId });
    await db.change('update run set set_id = $2 where id = $1', [runId, setId]);
  },
});

const figuresShape = z.looseObject({ objects: z.number(), bytes: z.number() });

/** What a verify run said about its set: sound, damaged, or nothing when it did not get that far. */
function verdictOf(outcome: RunOutcome): VerifyReport | undefined {
  if (outcome.state === 'succeeded' || outcome.state === 'warned') {
    const figures = figuresShape.safeParse(outcome.result);
    return figures.success ? { objects: figures.data.objects, bytes: figures.data.bytes, damage: [] } : undefined;
  }
  if (outcome.code !== 'set_damaged') return undefined;
  const { object = '', what = outcome.message } = outcome.params;
  return { objects: 0, bytes: 0, damage: [{ object, what }] };
}

/** A set that is verified with its chain may be damaged in a set that it builds on: objects are named by their set. */
const damagedBases = ({ damage }: VerifyReport, verified: SetId): readonly SetId[] =>
  damage
    .flatMap(({ object }) => /^sets\/(set_[0-9a-f]{32})\//.exec(object)?.[1] ?? [])
    .map((text) => parseId('set', text))
    .filter((set) => set !== verified);

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
    case 'incremental-backup':
      return { owner: spec.resourceId, kind: 'data' };
    case 'log-backup':
      return { owner: spec.resourceId, kind: 'log' };
    case 'restore':
      return spec.plan.place.kind === 'in-place'
        ? { owner: spec.plan.place.resourceId, kind: 'exclusive' }
        : { owner: `${spec.hostId}:${spec.plan.place.directory}`, kind: 'exclusive' };
    case 'care':
      return laneOfCare(spec);
    case 'verify-set':
    case 'rebuild':
    case 'no-op':
      return { owner: run.hostId, kind: 'none' };
  }
}

/** Two care runs of one pool never meet; one that deletes log keeps log backups of its resource out. */
function laneOfCare({ care, poolId }: JobSpecOf<'care'>): RunTicket['lane'] {
  return care.does === 'plan' && care.logOf !== undefined
    ? { owner: care.logOf, kind: 'log' }
    : { owner: poolId, kind: 'exclusive' };
}
