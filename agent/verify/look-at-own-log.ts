import { segmentsOfBackup } from '#core/backup/log-range.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { VerifyDepth } from '#core/care/verify-depth.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import { compareLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { Damage } from '#agent/sets/piece-damage.ts';
import { sizeDamage } from '#agent/sets/piece-damage.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import { readBranch } from '#agent/wal/committed-log.ts';
import type { Checked, SegmentCheck } from './check.ts';
import type { VerifiedPool } from './check-runner.ts';
import { openCheckRunner } from './check-runner.ts';
import { sealerOf } from './look-at-batch.ts';

/** What was found of the log that a set needs and does not hold. */
export interface OwnLogLook extends Checked {
  readonly objects: number;
  readonly warnings: readonly Warning[];
}

/** How deep, and on whose behalf. */
export interface OwnLogRequest {
  readonly depth: VerifyDepth;
  readonly step: StepContext;
}

/**
 * Looks at the log of a set that was made without it (D-021), where log backups have it: at `quick` the sizes of its objects, else
 * every byte. Damaged log is damage: the set cannot be restored from it. Log that is not there is a warning, it may still come.
 * Of a set that holds its log there is nothing to look at. Throws `pool_unreachable`, `cancelled`.
 */
export async function lookAtOwnLog(
  pool: VerifiedPool,
  summary: SetSummary,
  { depth, step }: OwnLogRequest,
): Promise<OwnLogLook> {
  if (summary.isConsistent) return { objects: 0, bytes: 0, pages: 0, damage: [], warnings: [] };
  const { systemId, branchId } = summary;
  const { segments } = await readBranch(pool, { systemId, branchId }, lsnToNumber(summary.beginLsn));
  const wanted = segmentsOfBackup(summary);
  const held = wanted.flatMap((name) => segments.get(name) ?? []);
  const looked = depth === 'quick' ? await sizes(pool, summary, held) : await read(pool, { summary, held, step });
  const missing = wanted.filter((name) => !isEnough(segments.get(name), summary));
  return { ...looked, objects: held.length, warnings: missingWarning(summary, wanted.length, missing) };
}

/** A saved tail may end before the set does. */
const isEnough = (segment: SegmentOfBatch | undefined, { endLsn, endSegment }: SetSummary): boolean =>
  segment !== undefined && (segment.name !== endSegment || compareLsn(segment.to, endLsn) >= 0);

function missingWarning(
  { setId }: SetSummary,
  wanted: number,
  [first, ...more]: readonly string[],
): readonly Warning[] {
  if (first === undefined) return [];
  const count = `${String(1 + more.length)} of ${String(wanted)}`;
  const detail = `${setId} was made without its log, and ${count} segments of that are not in the pool, the first is ${first}: back up the log`;
  return [{ code: 'set_log_missing', detail }];
}

async function sizes(
  pool: VerifiedPool,
  { systemId, branchId }: SetSummary,
  held: readonly SegmentOfBatch[],
): Promise<Checked> {
  const damage: Damage[] = [];
  for (const { object, storedBytes } of held) {
    const key = keyOfLog({ systemId, branchId, name: object });
    const found = (await pool.store.head(key))?.sizeBytes;
    if (found !== storedBytes) damage.push(sizeDamage(pool, key, { found, expected: storedBytes }));
  }
  return { bytes: 0, pages: 0, damage };
}

interface Reading {
  readonly summary: SetSummary;
  readonly held: readonly SegmentOfBatch[];
  readonly step: StepContext;
}

async function read(pool: VerifiedPool, { summary, held, step }: Reading): Promise<Checked> {
  const { systemId, branchId } = summary;
  const checks = held.map((segment): SegmentCheck => ({
    ...{ kind: 'segment', sealer: sealerOf(pool), pool: pool.name },
    object: keyOfLog({ systemId, branchId, name: segment.object }),
    ...{ rawSha256: segment.rawSha256, storedSha256: segment.storedSha256, storedBytes: segment.storedBytes },
  }));
  const damage: Damage[] = [];
  let bytes = 0;
  const runner = openCheckRunner(
    pool,
    step,
    checks.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
  );
  try {
    await runner.run(checks, (checked) => {
      damage.push(...checked.damage);
      bytes += checked.bytes;
    });
  } finally {
    await runner.close();
  }
  return { bytes, pages: 0, damage };
}
