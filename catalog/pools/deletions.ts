import { z } from 'zod';
import type { ClaimVerdict, DeletionClaim, DeletionTold } from '#core/care/care-task.ts';
import { refusalOf, standingOf } from '#core/care/mark.ts';
import { decideRetention } from '#core/care/retention.ts';
import { staysByNow } from '#core/care/same-world.ts';
import type { PoolId, RunId, SetId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { instantFromMicros, microsOfInstant } from '#core/instant.ts';
import { isFinal } from '#core/run/run-state.ts';
import { instantShape } from '#core/settings/shape/words.ts';
import { runStateShape } from '#core/settings/shape/progress.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import type { Database } from '#catalog/database.ts';
import { careWorld, isTurned } from './care-world.ts';
import { isOpenSql, lockChains, lockLog } from './leases.ts';
import { getPool } from './pools.ts';
import { planOfRun } from './retention.ts';
import { marksOf } from './set-marks.ts';

/** Who claims, in which pool, and when. */
export interface Claimant {
  readonly runId: RunId;
  readonly poolId: PoolId;
  readonly now: Instant;
}

const holderShape = z.object({ run: z.string() });
const nameShape = z.object({ name: z.string() });
const hourMicros = 3_600_000_000;
const unknownRunHours = 168;
const logGraceHours = 24;
const granted: ClaimVerdict = { verdict: 'granted' };
const refused = (why: string): ClaimVerdict => ({ verdict: 'refused', why });

/**
 * Answers an agent that is about to delete: marks it as claimed unless somebody reads it, keeps it or builds on it. From
 * then on no run gets a lease on it. Idempotent by run.
 */
export function claimDeletion(db: Database, who: Claimant, claim: DeletionClaim): Promise<ClaimVerdict> {
  return db.transaction(async (inside) => {
    const object = objectOf(claim);
    const state = await stateOf(inside, who.runId, claim.kind, object);
    if (state === 'done') return { verdict: 'done' };
    if (state === 'removed' || (state === 'claimed' && isBegun(claim))) return granted;
    const why = await reasonAgainst(inside, who, claim);
    if (why !== undefined) {
      if (state === 'claimed') await giveUp(inside, who.runId, { kind: claim.kind, object });
      return refused(why);
    }
    if (claim.kind !== 'set' && claim.isDryRun === true) return granted;
    await inside.change(
      `insert into deletion (run_id, pool_id, kind, object, state, summary)
       values ($1, $2, $3, $4, 'claimed', (select summary from backup_set where id = $4 and pool_id = $2 and $3 = 'set'))
       on conflict (run_id, kind, object) do update set state = 'claimed', claimed_at = now()`,
      [who.runId, who.poolId, claim.kind, object],
    );
    return granted;
  });
}

/** A set that was claimed and is whole still, by an agent that was lost then, is decided on once more. */
const isBegun = (claim: DeletionClaim): boolean => claim.kind !== 'set' || claim.isGone === true;

const giveUp = (db: Database, runId: RunId, { kind, object }: { readonly kind: string; readonly object: string }) =>
  db.change(`update deletion set state = 'kept' where run_id = $1 and kind = $2 and object = $3`, [
    runId,
    kind,
    object,
  ]);

const objectOf = (one: DeletionClaim | DeletionTold): string =>
  one.kind === 'log' ? `${one.systemId}/${one.branchId}` : one.setId;

async function stateOf(db: Database, runId: RunId, kind: string, object: string): Promise<string | undefined> {
  const rows = await db.rows(
    z.object({ state: z.string() }),
    'select state from deletion where run_id = $1 and kind = $2 and object = $3',
    [runId, kind, object],
  );
  return rows[0]?.state;
}

async function reasonAgainst(db: Database, who: Claimant, claim: DeletionClaim): Promise<string | undefined> {
  const [rebuild] = await db.rows(
    holderShape,
    `select r.id as run from run r join job_revision v on v.job_id = r.job_id and v.n = r.revision
     where r.kind = 'rebuild' and ${isOpenSql} and v.spec ->> 'poolId' = $1 limit 1`,
    [who.poolId],
  );
  if (rebuild !== undefined) return `run ${rebuild.run} rebuilds the catalog from this pool`;
  switch (claim.kind) {
    case 'set':
      return againstSet(db, who, claim.setId);
    case 'log':
      return againstLog(db, who, claim);
    case 'orphan':
      return againstOrphan(db, who, claim);
  }
}

async function againstSet(db: Database, { runId, poolId, now }: Claimant, setId: SetId): Promise<string | undefined> {
  await lockChains(db, poolId, [setId]);
  const [reader] = await db.rows(
    holderShape,
    `select l.run_id as run from set_lease l join run r on r.id = l.run_id
     where l.set_id = $1 and l.pool_id = $2 and l.run_id <> $3 and ${isOpenSql} limit 1`,
    [setId, poolId, runId],
  );
  if (reader !== undefined) return `run ${reader.run} reads it`;
  const refusal = refusalOf(standingOf(await marksOf(db, setId, poolId)), now);
  if (refusal !== undefined) return refusal;
  const [child] = await db.rows(
    nameShape,
    `select id as name from backup_set where summary -> 'base' ->> 'setId' = $1 and pool_id = $2 limit 1`,
    [setId, poolId],
  );
  return child === undefined ? againstPlan(db, runId, setId) : `${child.name} builds on it`;
}

/**
 * What was to stay may have been found damaged since the plan was looked at: scrub and verify go on beside it. A set that an
 * operator wants gone goes.
 */
async function againstPlan(db: Database, runId: RunId, setId: SetId): Promise<string | undefined> {
  const plan = await planOfRun(db, runId);
  if (plan?.kind !== 'retention') return undefined;
  const kept = staysByNow(plan, setId);
  if (kept !== undefined) return `its plan keeps it: ${kept}`;
  if (!(await isTurned(db, plan.poolId, plan.madeAt))) return undefined;
  const scope = { resourceId: plan.resourceId, pool: await getPool(db, plan.poolId) };
  const why = staysByNow(decideRetention(await careWorld(db, scope, plan.madeAt)), setId);
  return why === undefined ? undefined : `it is needed by now: ${why}`;
}

/**
 * A stream reads and writes at the end of each branch and moves on with it: what lies a segment and more before that end may
 * go. Leftovers that no batch names ($5 is 0) may be its own. `l` is the lease, `r` its run.
 */
const isUsedByStreamSql = `($5::bigint = 0 or $5::bigint > (
  select coalesce(max((b.summary ->> 'to')::pg_lsn - '0/0'::pg_lsn - (b.summary ->> 'segmentBytes')::numeric), 0)
  from log_batch b where b.system_id = $1 and b.pool_id = $2 and b.branch_id = $4))`;

async function againstLog(
  db: Database,
  { runId, poolId, now }: Claimant,
  { systemId, branchId, to, graceHours = logGraceHours }: Extract<DeletionClaim, { kind: 'log' }>,
): Promise<string | undefined> {
  await lockLog(db, poolId, systemId);
  const refusal = to === undefined ? await againstLeftovers(db, { poolId, now }, { systemId, graceHours }) : undefined;
  if (refusal !== undefined) return refusal;
  const [user] = await db.rows(
    holderShape,
    `select l.run_id as run from log_lease l join run r on r.id = l.run_id
     where l.system_id = $1 and l.pool_id = $2 and l.run_id <> $3 and ${isOpenSql}
       and case when r.kind = 'log-stream' then ${isUsedByStreamSql}
           else l.branch_id = '' or (l.branch_id = $4 and l.from_position < $5) end limit 1`,
    [systemId, poolId, runId, branchId, to === undefined ? 0 : lsnToNumber(to)],
  );
  return user === undefined ? undefined : `run ${user.run} reads or writes it`;
}

/**
 * A run that may write log of a database holds a lease on all of it (core/care/reads.ts): a copy, and a restore in place, which
 * saves the tail.
 */
const isWriterOfLogSql = `exists (select 1 from log_lease l
  where l.run_id = r.id and l.system_id = $1 and l.pool_id = $3 and l.branch_id = '')`;

/** A run that was given up may have an agent that lives on, cut off from us but not from the pool, and commits them yet. */
async function againstLeftovers(
  db: Database,
  { poolId, now }: Pick<Claimant, 'poolId' | 'now'>,
  { systemId, graceHours }: { readonly systemId: string; readonly graceHours: number },
): Promise<string | undefined> {
  if (!(await isKnownHere(db, poolId, systemId)))
    return 'nothing of its database is known here: another installation may be about to commit it';
  const before = instantFromMicros(microsOfInstant(now) - graceHours * hourMicros);
  const rebuilt = await againstRebuilt(db, { poolId, systemId }, { before, graceHours });
  if (rebuilt !== undefined) return rebuilt;
  const [lost] = await db.rows(
    holderShape,
    `select r.id as run from run r left join resource s on s.id = r.resource_id
     where ((s.system_id = $1 and r.kind in ('log-backup', 'log-stream')) or ${isWriterOfLogSql})
       and r.state in ('failed', 'cancelled') and r.closed_at > $2 limit 1`,
    [systemId, before, poolId],
  );
  return lost === undefined ? undefined : `run ${lost.run} was given up less than ${String(graceHours)} h ago`;
}

/**
 * A rebuild makes databases known that other installations write into a shared pool, and forgets the runs of this one: their log
 * is left alone for good where no host here has the database, else for the grace time.
 */
async function againstRebuilt(
  db: Database,
  { poolId, systemId }: { readonly poolId: PoolId; readonly systemId: string },
  { before, graceHours }: { readonly before: Instant; readonly graceHours: number },
): Promise<string | undefined> {
  const [rebuild] = await db.rows(
    z.object({ run: z.string(), isYoung: z.boolean(), isOurs: z.boolean() }),
    `select r.id as run, r.closed_at > $3 as "isYoung",
       exists (select 1 from resource where system_id = $2 and host_id is not null) as "isOurs"
     from run r join job_revision v on v.job_id = r.job_id and v.n = r.revision
     where r.kind = 'rebuild' and r.closed_at is not null and v.spec ->> 'poolId' = $1
     order by r.closed_at desc limit 1`,
    [poolId, systemId, before],
  );
  if (rebuild === undefined) return undefined;
  if (!rebuild.isOurs)
    return `its database is known here only since run ${rebuild.run} rebuilt the catalog, no host has it: another installation may be about to commit it`;
  return rebuild.isYoung
    ? `run ${rebuild.run} rebuilt the catalog less than ${String(graceHours)} h ago: who wrote before is not known`
    : undefined;
}

/** Leases of another installation on the same pool are not seen here, and what its log backup has put is named by no batch yet. */
async function isKnownHere(db: Database, poolId: PoolId, systemId: string): Promise<boolean> {
  const found = await db.rows(
    nameShape,
    `select id as name from resource where system_id = $2
     union all select id from backup_set where system_id = $2 and pool_id = $1
     union all select id from log_batch where system_id = $2 and pool_id = $1 limit 1`,
    [poolId, systemId],
  );
  return found.length > 0;
}

const runShape = z.object({ state: runStateShape, closedAt: instantShape.nullable() });

/**
 * The first copy of a set is named in its `start`; a later one goes on with the same objects, and only its lease on the set in the
 * pool that it reads tells of it.
 */
const isCopyOfSetSql = `(r.kind = 'pool-copy' and exists (select 1 from set_lease l where l.run_id = r.id and l.set_id = $2)
  and exists (select 1 from job_revision v where v.job_id = r.job_id and v.n = r.revision and v.spec ->> 'toPoolId' = $3))`;

/** Pieces without a set: only of a run that has ended, and only when the grace time is over. */
async function againstOrphan(
  db: Database,
  { poolId, now }: Claimant,
  { setId, madeBy, lastTriedAt, graceHours }: Extract<DeletionClaim, { kind: 'orphan' }>,
): Promise<string | undefined> {
  const before = instantFromMicros(microsOfInstant(now) - graceHours * hourMicros);
  if (lastTriedAt > before) return `it is younger than ${String(graceHours)} h`;
  const [byRun] = await db.rows(
    runShape,
    `select r.state, r.closed_at as "closedAt" from run r where r.id = $1 or r.set_id = $2 or ${isCopyOfSetSql}
     order by case when state in ('queued', 'running', 'paused') then 0 else 1 end, closed_at desc limit 1`,
    [madeBy ?? '', setId, poolId],
  );
  if (byRun === undefined) return againstUnknown(lastTriedAt, now);
  if (!isFinal(byRun.state)) return 'its run has not ended and may still commit it';
  return byRun.closedAt !== null && byRun.closedAt > before
    ? `its run ended less than ${String(graceHours)} h ago`
    : undefined;
}

/** A run that this catalog does not know may be one of another installation, or of before a rebuild: it gets a week. */
function againstUnknown(lastTriedAt: Instant, now: Instant): string | undefined {
  const before = instantFromMicros(microsOfInstant(now) - unknownRunHours * hourMicros);
  return lastTriedAt > before ? 'its run is unknown here, and it is younger than a week' : undefined;
}

/** Follows a deletion step by step; what is removed leaves the index at once. Idempotent. */
export function recordDeletion(db: Database, { runId, poolId }: Claimant, told: DeletionTold): Promise<void> {
  return db.transaction(async (inside) => {
    await inside.change(
      `update deletion set state = $4,
         removed_at = case when $4 in ('removed', 'done') then coalesce(removed_at, now()) end,
         done_at = case when $4 = 'done' then coalesce(done_at, now()) end
       where run_id = $1 and kind = $2 and object = $3 and state <> 'done'`,
      [runId, told.kind, objectOf(told), told.step],
    );
    if (told.step !== 'removed' && told.step !== 'done') return;
    if (told.kind === 'set')
      await inside.change('delete from backup_set where id = $1 and pool_id = $2', [told.setId, poolId]);
    if (told.kind === 'log')
      await inside.change('delete from log_batch where id = any ($1) and pool_id = $2', [told.batches, poolId]);
    if (told.kind !== 'log')
      await inside.change('delete from set_mark where set_id = $1 and pool_id = $2', [told.setId, poolId]);
  });
}
