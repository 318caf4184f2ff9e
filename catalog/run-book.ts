import { z } from 'zod';
import { verifyDepths } from '#core/care/verify-depth.ts';
import { fail } from '#core/errors/fail.ts';
import type { SetId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import type { RunBook, RunOutcome, RunTicket } from '#core/ports/run-book.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import type { JobSpec, JobSpecOf } from '#core/settings/job-spec.ts';
import { hasSet } from './backup-sets.ts';
import type { Database } from './database.ts';
import type { RunRow } from './runs.ts';
import { getRun, moveRun, specOfRun } from './runs.ts';
import { storeVerify } from './verification.ts';

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
    const spec = verdict === undefined ? undefined : await specOfRun(db, runId);
    if (verdict !== undefined && spec?.kind === 'verify-set') {
      const { setId, poolId } = spec;
      await storeVerify(db, { id: setId, poolId }, verdict);
      const [base] = damagedBases(verdict, setId);
      if (base !== undefined) await storeVerify(db, { id: base, poolId }, verdict);
    }
    await moveRun(db, runId, outcome.state, outcome);
  },
  recordSet: async (runId, setId) => {
    if (!(await hasSet(db, setId))) throw fail('set_not_indexed', { set: setId });
    await db.change('update run set set_id = $2 where id = $1', [runId, setId]);
  },
});

const figuresShape = z.object({
  depth: z.enum(verifyDepths).exactOptional(),
  objects: z.number(),
  bytes: z.number(),
  pages: z.number().exactOptional(),
});

/** What a verify run said about its set: sound, damaged, or nothing when it did not get that far. */
function verdictOf(outcome: RunOutcome): VerifyReport | undefined {
  if (outcome.state === 'succeeded' || outcome.state === 'warned') {
    const figures = figuresShape.safeParse(outcome.result);
    return figures.success ? { ...figures.data, damage: [] } : undefined;
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
    case 'log-stream':
      return { owner: spec.resourceId, kind: 'log' };
    case 'restore':
      return spec.plan.place.kind === 'in-place'
        ? { owner: spec.plan.place.resourceId, kind: 'exclusive' }
        : { owner: `${spec.hostId}:${spec.plan.place.directory}`, kind: 'exclusive' };
    case 'extract-set':
      return { owner: `${spec.hostId}:${spec.directory}`, kind: 'exclusive' };
    case 'care':
      return laneOfCare(spec);
    case 'pool-copy':
      // Why: leftovers of a copy must not be collected while the next one goes on with them.
      return { owner: spec.toPoolId, kind: 'exclusive' };
    case 'verify-set':
    case 'merge-set':
    case 'rebuild':
    case 'no-op':
      return { owner: run.hostId, kind: 'none' };
  }
}

/** Two care runs of one pool never meet; one that deletes log keeps log backups of its resource out. */
function laneOfCare({ care, poolId }: JobSpecOf<'care'>): RunTicket['lane'] {
  // Why a lane of its own: reading for hours must not keep retention or the collection of leftovers waiting.
  if (care.does === 'scrub') return { owner: `scrub:${poolId}`, kind: 'exclusive' };
  return care.does === 'plan' && care.logOf !== undefined
    ? { owner: care.logOf, kind: 'log' }
    : { owner: poolId, kind: 'exclusive' };
}
