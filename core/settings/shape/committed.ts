import { z } from 'zod';
import type { BaseOfSet, OfflineOfSet, SetSummary, SetType } from '../../backup/set-summary.ts';
import type { ChangedPagesSource } from '../../changed/changed-pages.ts';
import type { BatchSummary, SegmentOfBatch } from '../../log/batch-summary.ts';
import { warningShape } from './progress.ts';
import { countShape, idShape, instantShape, lsnShape, segmentShape } from './words.ts';

export const setTypeShape: z.ZodType<SetType> = z.enum(['full', 'differential', 'cumulative']);
export const changedPagesSourceShape: z.ZodType<ChangedPagesSource> = z.enum([
  'wal-summary',
  'log',
  'page-lsn',
  'content-hash',
]);

const baseShape: z.ZodType<BaseOfSet> = z.looseObject({
  setId: idShape('set'),
  metaSha256: z.string().regex(/^[0-9a-f]{64}$/),
  fullSetId: idShape('set'),
  beginLsn: lsnShape,
  endLsn: lsnShape,
  changedPages: changedPagesSourceShape,
});

export const offlineOfSetShape: z.ZodType<OfflineOfSet> = z.looseObject({
  state: z.enum(['clean', 'crashed']),
  isLogMinimal: z.boolean(),
});

/** What is committed in a pool, as agents tell it. Fields of newer agents are kept. */
export const setSummaryShape: z.ZodType<SetSummary> = z.looseObject({
  setId: idShape('set'),
  runId: idShape('run'),
  attemptId: idShape('try'),
  resourceId: idShape('res'),
  type: setTypeShape,
  base: baseShape.exactOptional(),
  mergedFrom: z.looseObject({ setId: idShape('set'), metaSha256: z.string().regex(/^[0-9a-f]{64}$/) }).exactOptional(),
  engine: z.string(),
  serverVersion: countShape,
  systemId: z.string().regex(/^\d{1,20}$/),
  timeline: countShape,
  branchId: z.string().max(64),
  beginLsn: lsnShape,
  endLsn: lsnShape,
  backupEndLsn: lsnShape,
  beginSegment: segmentShape,
  endSegment: segmentShape,
  endSegmentSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional(),
  beganAt: instantShape,
  endedAt: instantShape,
  isConsistent: z.boolean(),
  hasChecksums: z.boolean(),
  pageBytes: countShape,
  segmentBytes: countShape,
  tablespaces: z.array(z.looseObject({ oid: countShape, path: z.string() })),
  fileCount: countShape,
  rawBytes: countShape,
  storedBytes: countShape,
  pieceCount: countShape,
  isEncrypted: z.boolean(),
  offline: offlineOfSetShape.exactOptional(),
  warnings: z.array(warningShape),
  toolVersion: z.string(),
});

const restorePointShape = z.looseObject({ name: z.string(), lsn: lsnShape, at: instantShape });

const segmentOfBatchShape: z.ZodType<SegmentOfBatch> = z.looseObject({
  name: segmentShape,
  object: z.string(),
  from: lsnShape,
  to: lsnShape,
  lastRecord: lsnShape,
  rawSha256: z.string(),
  storedSha256: z.string(),
  rawBytes: countShape,
  storedBytes: countShape,
  firstCommit: instantShape.exactOptional(),
  lastCommit: instantShape.exactOptional(),
  maxCommit: instantShape.exactOptional(),
  restorePoints: z.array(restorePointShape),
});

export const batchSummaryShape: z.ZodType<BatchSummary> = z.looseObject({
  batchId: idShape('batch'),
  runId: idShape('run'),
  resourceId: idShape('res'),
  systemId: z.string().regex(/^\d{1,20}$/),
  timeline: countShape,
  branchId: z.string().max(64),
  history: z.string(),
  segmentBytes: countShape,
  from: lsnShape,
  to: lsnShape,
  coveredUntil: instantShape,
  segments: z.array(segmentOfBatchShape),
  previousSha256: z.string(),
  isAfterGap: z.boolean(),
  breaksWith: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional(),
  references: z
    .looseObject({
      object: z.string(),
      from: lsnShape,
      to: lsnShape,
      storedSha256: z.string(),
      storedBytes: countShape,
    })
    .exactOptional(),
});
