import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { instantFromMs } from '#core/instant.ts';
import type { Instant } from '#core/instant.ts';
import type { CommittedLog } from '#core/log/branches.ts';
import { coverage, locate } from '#core/log/coverage.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import { segmentOf } from '#core/wal/segment-name.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { archived, stageOn, writeRows } from '#tests/support/log-stage.ts';
import { sampleSet } from '#tests/support/samples.ts';

interface Gapped {
  readonly stage: LogStage;
  /** Segments that the archive lacks, in order. */
  readonly lost: readonly string[];
  readonly bringBack: (name: string) => void;
}

const writeSegment = async (stage: LogStage): Promise<void> => {
  await writeRows(stage);
  await stage.server.sql('SELECT pg_switch_wal()');
};

/** A server whose log is backed up but for two segments, with log before and behind them. */
async function openGapped(): Promise<Gapped> {
  const stage = await stageOn();
  const { archiveDirectory } = stage.server;
  const aside = join(archiveDirectory, '..', 'aside');
  mkdirSync(aside);
  await writeSegment(stage);
  await stage.backUp();
  const known = new Set(archived(stage));
  const fresh = (): string[] => archived(stage).filter((name) => !known.has(name));
  for (let i = 0; i < 5; i++) await writeSegment(stage);
  await expect.poll(() => fresh().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(5);
  const lost = fresh().slice(0, 2);
  for (const name of lost) renameSync(join(archiveDirectory, name), join(aside, name));
  const bringBack = (name: string): void => {
    renameSync(join(aside, name), join(archiveDirectory, name));
  };
  const { warnings } = await stage.backUp();
  expect(warnings.map(({ code }) => code)).toEqual(['log_gap']);
  return { stage, lost, bringBack };
}

/** What is committed, with a full backup that ended in the first segment. */
function logOf(stage: LogStage): CommittedLog {
  const { told, systemId } = stage;
  const [batch] = told;
  if (batch === undefined) return expect.fail('no batch was told');
  const { from, segmentBytes } = batch;
  const end = formatLsn(lsnToNumber(from) + 0x100);
  const name = segmentOf(1, end, segmentBytes);
  const set: SetSummary = {
    ...sampleSet(stage.order().instance.resourceId),
    ...{ systemId, branchId: branchIdOf(''), segmentBytes, beginSegment: name, endSegment: name },
    ...{ beginLsn: formatLsn(lsnToNumber(from) + 0x28), endLsn: end, backupEndLsn: end },
    ...{ beganAt: instantFromMs(0), endedAt: instantFromMs(1000) },
  };
  return { sets: [set], batches: told };
}

const isReachable = (stage: LogStage, time: Instant): boolean =>
  locate(logOf(stage), { at: 'time', time, isInclusive: true }).isReachable;

test('K-049 a time behind a gap stays unreachable when only a part of the gap is found again, also while the database is idle', async () => {
  const { stage, lost, bringBack } = await openGapped();
  const [first = '', second = ''] = lost;
  const late = stage.told[stage.told.length - 1]?.segments[0]?.maxCommit ?? instantFromMs(0);
  expect(isReachable(stage, late)).toBe(false);
  bringBack(first);
  expect(await stage.backUp()).toMatchObject({ segments: 1, warnings: [] });
  expect(isReachable(stage, late)).toBe(false);
  expect((await stage.backUp()).segments).toBe(0);
  expect(isReachable(stage, late)).toBe(false);
  expect(coverage(logOf(stage)).branches[0]?.gaps).toHaveLength(1);
  bringBack(second);
  await stage.backUp();
  expect(isReachable(stage, late)).toBe(true);
});

test('K-049 the known time of an idle database goes on after a gap was closed', async () => {
  const { stage, lost, bringBack } = await openGapped();
  for (const name of lost) bringBack(name);
  await stage.backUp();
  const now = instantFromMs(Date.now());
  expect((await stage.backUp()).segments).toBe(0);
  const log = logOf(stage);
  expect(coverage(log).branches[0]?.gaps).toEqual([]);
  expect(coverage(log).coveredUntil ?? '').toSatisfy((until: string) => until >= now);
});
