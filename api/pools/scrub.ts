import { setsOfDatabase, getSet } from '#catalog/backup-sets.ts';
import { acquireLeases } from '#catalog/pools/leases.ts';
import { getPool } from '#catalog/pools/pools.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { addRunEvents } from '#catalog/runs/runs.ts';
import { indexMarks } from '#catalog/pools/set-marks.ts';
import { unusableSets } from '#catalog/pools/set-standing.ts';
import type { ScrubCandidate } from '#catalog/pools/verification.ts';
import {
  batchInPool,
  newFullFor,
  openFullOf,
  recordNewFull,
  releaseLeases,
  scrubCandidates,
  scrubTotals,
  storeScrubbed,
} from '#catalog/pools/verification.ts';
import { needsNewFull } from '#core/care/new-full.ts';
import type { PoolReads } from '#core/care/reads.ts';
import type { ScrubNext, ScrubTold } from '#core/care/verification.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { PoolId, ResourceId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { backupOptionsShape } from '#core/settings/backup-options.ts';
import type { CareOfJob } from '#core/settings/job-spec.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import type { Context } from '#api/context.ts';
import { startBackup } from '#api/starts/start-backup.ts';

/** Candidates that are looked at for one that is not being deleted. */
const atOnce = 50;

/** A scrub run with what it was asked for. */
export interface Scrub {
  readonly run: RunRow;
  readonly poolId: PoolId;
  readonly care: Extract<CareOfJob, { does: 'scrub' }>;
}

/**
 * What a scrub looks at next, leased to it; what it had leased before is given back. What is being deleted is passed over. At
 * least one set or batch is looked at, however small the budget; sets are read in parts, so that a budget a night gets
 * through a set of any size. Damaged log has its turn, too: somebody may have put it right, and nobody else looks. A damaged set waits
 * for a decision (`set verify`, `set unquarantine`).
 */
export async function nextToScrub({ catalog }: Context, { run, poolId, care }: Scrub): Promise<ScrubNext> {
  await releaseLeases(catalog, run.id);
  const totals = await scrubTotals(catalog, run.id);
  const left = care.budgetBytes === undefined ? undefined : care.budgetBytes - totals.bytes;
  const isFirst = totals.sets + totals.batches === 0;
  if (left === undefined || left > 0 || isFirst) {
    const { resourceId, depth } = care;
    const scope = { poolId, resourceId, depth, runId: run.id, limit: atOnce };
    const candidates = await scrubCandidates(catalog, scope);
    for (const candidate of candidates.filter(({ damage, kind }) => damage === null || kind === 'batch')) {
      if (candidate.kind === 'batch' && left !== undefined && candidate.storedBytes > left && !isFirst) break;
      const next = await leased(catalog, { run, poolId, candidate, left });
      if (next !== undefined) return next;
    }
  }
  return { next: 'nothing', ...totals };
}

interface Candidacy {
  readonly run: RunRow;
  readonly poolId: PoolId;
  readonly candidate: ScrubCandidate;
  readonly left: number | undefined;
}

async function leased(
  catalog: Context['catalog'],
  { run, poolId, candidate, left }: Candidacy,
): Promise<ScrubNext | undefined> {
  const { kind, id, nextPiece } = candidate;
  if (kind === 'set') {
    const setId = parseId('set', id);
    if (!(await isLeased(catalog, run, { poolId, sets: [setId], log: [] }))) return undefined;
    return {
      next: 'set',
      setId,
      fromPiece: nextPiece,
      ...(left === undefined ? {} : { budgetBytes: Math.max(0, left) }),
    };
  }
  const batch = await batchInPool(catalog, id, poolId);
  if (batch === undefined) return undefined;
  const { systemId, branchId, from } = batch;
  const log = [{ systemId, branchId, from: lsnToNumber(from) }];
  return (await isLeased(catalog, run, { poolId, sets: [], log })) ? { next: 'batch', batch } : undefined;
}

const passedOver = new Set(['set_being_deleted', 'log_being_deleted']);

async function isLeased(catalog: Context['catalog'], run: RunRow, reads: PoolReads): Promise<boolean> {
  try {
    await acquireLeases(catalog, run.id, [reads]);
    return true;
  } catch (error) {
    if (error instanceof HoldfastError && passedOver.has(error.code)) return false;
    throw error;
  }
}

/**
 * Keeps what a scrub found: a damaged set or batch is out of use from here on. Where the scrub was asked to, a full backup is
 * started when no good one is newer than the damage. Idempotent.
 */
export async function tellScrubbed(context: Context, scrub: Scrub, told: ScrubTold): Promise<void> {
  const { catalog } = context;
  const { run, poolId, care } = scrub;
  if (told.kind === 'set' && told.marks !== undefined) await indexMarks(catalog, poolId, told.marks);
  const newDamage = await storeScrubbed(catalog, { runId: run.id, poolId }, told);
  if (newDamage === 0 || !care.isFollowedByFull) return;
  const object = told.kind === 'set' ? told.setId : told.batchId;
  if ((await newFullFor(catalog, run.id, object)) !== undefined) return;
  const place = await placeOfDamage(context, poolId, told);
  if (place !== undefined) await startNewFull(context, scrub, { ...place, object });
}

interface PlaceOfDamage {
  readonly resourceId: ResourceId;
  readonly systemId: string;
  readonly at: Instant;
}

async function placeOfDamage(
  { catalog }: Context,
  poolId: PoolId,
  told: ScrubTold,
): Promise<PlaceOfDamage | undefined> {
  if (told.kind === 'set') {
    const { resourceId, summary } = await getSet(catalog, told.setId, poolId);
    return { resourceId, systemId: summary.systemId, at: summary.endedAt };
  }
  const batch = await batchInPool(catalog, told.batchId, poolId);
  return batch === undefined
    ? undefined
    : { resourceId: batch.resourceId, systemId: batch.systemId, at: batch.coveredUntil };
}

async function startNewFull(
  context: Context,
  { run, poolId }: Scrub,
  { resourceId, systemId, at, object }: PlaceOfDamage & { readonly object: string },
): Promise<void> {
  const { catalog } = context;
  const say = (level: 'info' | 'warn', message: string): Promise<void> =>
    addRunEvents(catalog, run.id, [{ level, message }]);
  const sets = (await setsOfDatabase(catalog, systemId)).filter((row) => row.poolId === poolId);
  const unusable = await unusableSets(catalog, systemId, poolId);
  if (!needsNewFull({ resourceId, at, sets: sets.map(({ summary }) => summary), unusable }))
    return say('info', `no new full because of ${object}: a good one is newer than the damage`);
  const open = await openFullOf(catalog, resourceId, poolId);
  if (open !== undefined) return say('info', `no new full because of ${object}: run ${open} takes one already`);
  try {
    const full = await startBackup(context, await fullBackup(context, resourceId, poolId), callerOf(run));
    await recordNewFull(catalog, { runId: run.id, object, full: full.id });
    await say('warn', `full backup ${full.id} was started because of the damage in ${object}`);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.isRetryable) throw error;
    await say('warn', `no full backup could be started because of ${object}: ${error.message}`);
  }
}

const fullBackup = async ({ catalog }: Context, resourceId: ResourceId, poolId: PoolId) => ({
  kind: 'full-backup' as const,
  ...{ resource: resourceId, pool: (await getPool(catalog, poolId)).name, options: backupOptionsShape.parse({}) },
  ...{ reconnectMinutes: 10, whenBusy: 'wait' as const },
});

const callerOf = ({ id }: RunRow) => ({
  kind: 'token' as const,
  ...{ name: `scrub ${id}`, principal: id, role: 'operator' as const },
});
