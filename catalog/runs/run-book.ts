import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { planOfHooks } from '#core/hooks/hook.ts';
import type { SetId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import type { RunBook, RunOutcome, RunTicket } from '#core/ports/run-book.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import { isFinal } from '#core/run/run-state.ts';
import { targetTaken } from '#core/run/sent-home.ts';
import type { RunSubjects } from '#core/run/search-attributes.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { hasSet } from '#catalog/backup-sets.ts';
import { hasLogicalSet } from '#catalog/logical-sets.ts';
import type { Database } from '#catalog/database.ts';
import { demandLoginFor } from './job-runs.ts';
import { laneOf } from './lane-of-run.ts';
import { withNamesOf } from '#catalog/resources/names.ts';
import type { RunRow } from './runs.ts';
import { getRun, moveRun, specOfRun } from './runs.ts';
import { withKept } from '#catalog/transfers.ts';
import { storeVerify } from '#catalog/pools/verification.ts';

/** The catalog as the control activities see it. */
export const openRunBook = (db: Database): RunBook => ({
  ticket: async (runId) => {
    const [run, spec] = [await getRun(db, runId), await specOfRun(db, runId)];
    // Why here: nobody was there to be told when the plan started it (K-067).
    if (run.trigger === 'schedule') await demandLoginFor(db, spec);
    return ticketOf(run, spec);
  },
  begin: async (runId) => {
    if ((await getRun(db, runId)).state !== 'paused') await moveRun(db, runId, 'running');
  },
  moveTo: (runId, state) => moveRun(db, runId, state),
  close: async (runId, outcome) => {
    await keepVerdict(db, await getRun(db, runId), outcome);
    await moveRun(db, runId, outcome.state, await withKept(db, runId, await withNamesOf(db, outcome)));
  },
  isClosed: async (runId) => isFinal((await getRun(db, runId)).state),
  recordSet: async (runId, setId) => {
    if (!(await hasSet(db, setId)) && !(await hasLogicalSet(db, setId))) throw fail('set_not_indexed', { set: setId });
    await db.change('update run set set_id = $2 where id = $1', [runId, setId]);
  },
});

/** What a run saw of a set that it verified, or read back after it had made it, stays with the set. */
async function keepVerdict(db: Database, run: RunRow, outcome: RunOutcome): Promise<void> {
  const spec = await specOfRun(db, run.id);
  const seen = lookOf(run, spec);
  const found = seen === undefined ? undefined : verdictOf(outcome, seen.isAfterwards);
  if (seen === undefined || found === undefined) return;
  const { setId, poolId, depth } = seen;
  const verdict = { ...found, depth };
  await storeVerify(db, { id: setId, poolId }, verdict);
  const [base] = damagedBases(verdict, setId);
  if (base !== undefined) await storeVerify(db, { id: base, poolId }, verdict);
}

/** Which set a run read back and how deep. `isAfterwards`: it made the set first. */
function lookOf(run: RunRow, spec: JobSpec) {
  if (spec.kind === 'verify-set') {
    const { setId, poolId, depth } = spec;
    return { setId, poolId, depth, isAfterwards: false };
  }
  const { verifyAfter: depth = 'none' } = spec;
  if (depth === 'none' || run.setId === null || !('poolId' in spec)) return undefined;
  return { setId: run.setId, poolId: spec.poolId, depth, isAfterwards: true };
}

const figuresShape = z.object({
  objects: z.number(),
  bytes: z.number(),
  pages: z.number().exactOptional(),
});

const madeShape = z.object({ verified: z.unknown() });

/** What a run said about the set that it read back: sound, damaged, or nothing when it did not get that far. */
function verdictOf(outcome: RunOutcome, isAfterwards: boolean): VerifyReport | undefined {
  if (outcome.state === 'succeeded' || outcome.state === 'warned') {
    const { data: made } = madeShape.safeParse(outcome.result);
    const figures = figuresShape.safeParse(isAfterwards ? made?.verified : outcome.result);
    return figures.success ? { ...figures.data, damage: [] } : undefined;
  }
  if (outcome.code !== 'set_damaged') return undefined;
  const { object = '', what = outcome.message, count } = outcome.params;
  const damageCount = Number(count ?? 1);
  const isMore = Number.isSafeInteger(damageCount) && damageCount > 1;
  return { objects: 0, bytes: 0, damage: [{ object, what }], ...(isMore ? { damageCount } : {}) };
}

/** A set that is verified with its chain may be damaged in a set that it builds on: objects are named by their set. */
const damagedBases = ({ damage }: VerifyReport, verified: SetId): readonly SetId[] =>
  damage
    .flatMap(({ object }) => /^sets\/(set_[0-9a-f]{32})\//.exec(object)?.[1] ?? [])
    .map((text) => parseId('set', text))
    .filter((set) => set !== verified);

function ticketOf(run: RunRow, spec: JobSpec): RunTicket {
  const hooks = planOfHooks(spec.hooks);
  const { verifyAfter = 'none' } = spec;
  return {
    runId: run.id,
    kind: spec.kind,
    hostId: run.hostId,
    lane: laneOf(run, spec),
    reconnectMinutes: spec.reconnectMinutes,
    whenBusy: whenBusyOf(run, spec),
    ...(run.trigger === 'schedule' && spec.kind === 'drill' ? { sentHomeBy: targetTaken } : {}),
    ...(run.setId === null ? {} : { setId: run.setId }),
    subjects: subjectsOf(run, spec),
    ...(hooks === undefined ? {} : { hooks }),
    ...(verifyAfter === 'none' ? {} : { verifyAfter }),
  };
}

/** Who starts a run by hand hears that its lane is busy, instead of seeing it skipped; a drill of a plan has nobody to tell. */
function whenBusyOf({ trigger }: RunRow, { kind, whenBusy }: JobSpec): RunTicket['whenBusy'] {
  if (trigger !== 'schedule') return whenBusy === 'skip' ? 'refuse' : whenBusy;
  return kind === 'drill' && whenBusy === 'refuse' ? 'skip' : whenBusy;
}

/** By what its workflow is found. */
const subjectsOf = ({ jobId, resourceId }: RunRow, spec: JobSpec): RunSubjects => ({
  jobId,
  ...(resourceId === null ? {} : { resourceId }),
  ...('poolId' in spec ? { poolId: spec.poolId } : {}),
});
