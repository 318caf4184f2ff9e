import type { SetSummary } from '#core/backup/set-summary.ts';
import type { HostId, PoolId, ResourceId, RunId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { backupOptionsShape } from '#core/settings/backup-options.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { restorePlanShape } from '#core/settings/restore-options.ts';
import { batchSummaryShape, setSummaryShape } from '#core/settings/shape/committed.ts';
import { testIds } from './catalog.ts';

export const sampleSystemId = '7432109876543210987';

/** A committed full set that ends at 0/3000100 in segment 3 of timeline 1. */
export const sampleSet = (resourceId: ResourceId, runId: RunId = testIds('run')): SetSummary =>
  setSummaryShape.parse({
    setId: testIds('set'),
    runId,
    attemptId: testIds('try'),
    resourceId,
    type: 'full',
    engine: 'postgresql',
    serverVersion: 180004,
    systemId: sampleSystemId,
    timeline: 1,
    branchId: 'e3b0c44298fc1c149afbf4c8996fb924',
    beginLsn: '0/3000028',
    endLsn: '0/3000100',
    backupEndLsn: '0/3000100',
    beginSegment: '000000010000000000000003',
    endSegment: '000000010000000000000003',
    beganAt: '2026-11-21T08:00:00.000000Z',
    endedAt: '2026-11-21T08:01:00.000000Z',
    isConsistent: true,
    hasChecksums: true,
    pageBytes: 8192,
    segmentBytes: 16777216,
    tablespaces: [],
    fileCount: 900,
    rawBytes: 24_000_000,
    storedBytes: 5_000_000,
    pieceCount: 1,
    isEncrypted: false,
    warnings: [],
    toolVersion: '0.1.0',
  });

/** One committed segment, number 3 of timeline 1: it continues `sampleSet`. */
export const sampleBatch = (resourceId: ResourceId, runId: RunId = testIds('run')): BatchSummary =>
  batchSummaryShape.parse({
    batchId: testIds('batch'),
    runId,
    resourceId,
    systemId: sampleSystemId,
    timeline: 1,
    branchId: 'e3b0c44298fc1c149afbf4c8996fb924',
    history: '',
    segmentBytes: 16777216,
    from: '0/3000000',
    to: '0/4000000',
    coveredUntil: '2026-11-21T08:30:00.000000Z',
    segments: [
      {
        name: '000000010000000000000003',
        object: '000000010000000000000003',
        from: '0/3000000',
        to: '0/4000000',
        lastRecord: '0/3000180',
        rawSha256: 'a'.repeat(64),
        storedSha256: 'b'.repeat(64),
        rawBytes: 16777216,
        storedBytes: 20000,
        firstCommit: '2026-11-21T08:05:00.000000Z',
        lastCommit: '2026-11-21T08:20:00.000000Z',
        maxCommit: '2026-11-21T08:20:00.000000Z',
        restorePoints: [],
      },
    ],
    previousSha256: '',
    isAfterGap: false,
  });

export const sampleBackup = (resourceId: ResourceId, poolId: PoolId): JobSpec => ({
  kind: 'full-backup',
  resourceId,
  poolId,
  options: backupOptionsShape.parse({}),
  reconnectMinutes: 10,
  whenBusy: 'refuse',
});

/** A restore over the data directory of a resource itself. */
export const inPlace = (hostId: HostId, poolId: PoolId, resourceId: ResourceId): JobSpec => ({
  ...{ kind: 'restore', hostId, poolId, sourceId: resourceId, channels: 1, limits: {} },
  ...{ reconnectMinutes: 1, whenBusy: 'refuse' },
  plan: restorePlanShape.parse({
    ...{ setId: testIds('set'), systemId: sampleSystemId, serverMajor: 18, engine: 'postgresql' },
    ...{ segmentBytes: 16777216, asked: { at: 'latest' }, setting: { at: 'latest' }, timeline: 1, mustReach: '0/1' },
    ...{ segments: [], histories: {}, tablespaceMap: {}, isOpenedAfter: true, rawBytes: 0, chain: [] },
    ...{ place: { kind: 'in-place', resourceId, directory: '/main', consent: 'main' }, fetchBytes: 0, steps: [] },
  }),
});

export const sampleNoOp = (hostId: HostId): JobSpec => ({
  kind: 'no-op',
  hostId,
  seconds: 1,
  reconnectMinutes: 1,
  whenBusy: 'refuse',
});
