import type { BatchSummary } from '#core/log/batch-summary.ts';
import { fail } from '#core/errors/fail.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import type { Warning } from '#core/run/progress.ts';
import { noProgress } from '#core/run/progress.ts';
import { getReferences, keyOfBatch, openBatch } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import type { Damage } from '#agent/sets/piece-damage.ts';
import { findingOf } from '#agent/sets/piece-damage.ts';
import type { SegmentCheck } from './check.ts';
import type { VerifiedPool } from './check-runner.ts';
import { openCheckRunner } from './check-runner.ts';

/**
 * Looks at every byte of a committed batch of log: its object and its segments against their hashes, and its block references.
 * `batch` is what the catalog knows of it: its segments are looked for even when the object is gone. Damage is reported, not
 * thrown. Lost block references are a warning: no log is missing, and who looks for changed pages reads the log itself then. Throws `pool_unreachable`, `cancelled`.
 */
export async function lookAtBatch(pool: VerifiedPool, batch: BatchSummary, step: StepContext): Promise<VerifyReport> {
  const damage: Damage[] = [...(await checkObject(pool, batch))];
  const warnings = await checkReferences(pool, batch);
  const checks = batch.segments.map((segment): SegmentCheck => ({
    ...{ kind: 'segment', sealer: sealerOf(pool), pool: pool.name },
    object: keyOfLog({ ...batch, name: segment.object }),
    ...{ rawSha256: segment.rawSha256, storedSha256: segment.storedSha256, storedBytes: segment.storedBytes },
  }));
  const bytesTotal = checks.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  let bytes = 0;
  const runner = openCheckRunner(pool, step, bytesTotal);
  try {
    await runner.run(checks, (checked) => {
      damage.push(...checked.damage);
      bytes += checked.bytes;
      step.report({ ...noProgress, phase: 'verify', bytesRead: bytes, bytesTotal });
    });
  } finally {
    await runner.close();
  }
  const objects = 1 + checks.length + (batch.references === undefined ? 0 : 1);
  const report = { depth: 'full' as const, objects, bytes: bytes + (batch.references?.storedBytes ?? 0), damage };
  return warnings.length === 0 ? report : { ...report, warnings };
}

/** The part of a pool that opens its log, for worker threads. */
export const sealerOf = ({ id, key, olderKeys = [] }: VerifiedPool): SegmentCheck['sealer'] =>
  key === undefined ? { id } : { id, key, olderKeys };

const segmentsText = ({ segments }: BatchSummary): string =>
  segments.map(({ object, rawSha256, storedSha256 }) => `${object} ${rawSha256} ${storedSha256}`).join('\n');

async function checkObject(pool: VerifiedPool, batch: BatchSummary): Promise<readonly Damage[]> {
  const object = keyOfBatch(batch);
  try {
    const there = openBatch(pool, object, await pool.store.get(object));
    if (segmentsText(there) === segmentsText(batch) && there.batchId === batch.batchId) return [];
    const what = 'it names other log than the catalog knows of it';
    return [findingOf(object, fail('object_damaged', { pool: pool.name, object, what }))];
  } catch (error) {
    return [findingOf(object, error)];
  }
}

async function checkReferences(pool: VerifiedPool, batch: BatchSummary): Promise<readonly Warning[]> {
  if (batch.references === undefined) return [];
  try {
    await getReferences(pool, batch, batch.references);
    return [];
  } catch (error) {
    const { what } = findingOf(keyOfLog({ ...batch, name: batch.references.object }), error);
    return [{ code: 'log_references_unreadable', detail: `${what}; the log itself is there and is read instead` }];
  }
}
