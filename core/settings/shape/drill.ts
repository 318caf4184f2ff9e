import { z } from 'zod';
import type { CanaryAbsent, CanaryExpected, DrillChecks, DrillCheck } from '../../drill/drill.ts';
import type { DrillFacts, DrillSql, DrillVerdict } from '../../drill/drill.ts';
import type { DrillTargetOfJob, DrillTargetOfOrder, TargetFound } from '../../drill/drill-target.ts';
import { afterwardsWords } from '../../drill/drill-target.ts';
import type { DrillReport, PlannedDrill, SignedReport } from '../../drill/drill-report.ts';
import type { RecentDemand } from '../../drill/recent.ts';
import { restorePlanShape } from '../restore-options.ts';
import { countShape, idShape, instantShape, lsnShape, pathShape } from './words.ts';

const drillSqlShape: z.ZodType<DrillSql> = z.object({
  name: z.string().min(1).max(80),
  database: z.string().min(1).max(63),
  statement: z.string().min(1).max(10_000),
  expected: z.string().max(10_000),
  timeoutSeconds: z.number().int().min(1).max(3600).default(60),
});

/** Statements of the operator, as a file names them. */
export const drillStatementsShape = z.array(drillSqlShape).max(100);

export const drillChecksShape: z.ZodType<DrillChecks> = z.object({
  isPageChecked: z.boolean().default(true).meta({ description: 'Verify every page of every relation file' }),
  isStructureChecked: z.boolean().default(true).meta({ description: 'Run amcheck where the server programs have it' }),
  sql: drillStatementsShape.default([]),
});

export const drillTargetOfJobShape: z.ZodType<DrillTargetOfJob> = z.object({
  resourceId: idShape('res'),
  afterwards: z.enum(afterwardsWords),
});

export const targetInstanceShape = { dataDirectory: pathShape, others: z.array(pathShape) };
export const targetMarkShape = z.looseObject({ resourceId: idShape('res'), token: z.string() });
export const drillTargetOfOrderShape: z.ZodType<DrillTargetOfOrder> = targetMarkShape.extend({
  ...{ ...targetInstanceShape, afterwards: z.enum(afterwardsWords), port: z.number().int().min(0).max(65535) },
});

export const targetFoundShape: z.ZodType<TargetFound> = z.looseObject({
  ...{ directory: pathShape, systemId: z.string(), isRunning: z.boolean() },
});

export const canaryExpectedShape: z.ZodType<CanaryExpected> = z.looseObject({
  ...{ database: z.string(), seq: countShape, runId: idShape('run'), at: instantShape },
  note: z.string().exactOptional(),
});

export const canaryAbsentShape: z.ZodType<CanaryAbsent> = z.looseObject({
  verdict: z.enum(['failed', 'skipped']),
  why: z.string(),
});

const drillCheckShape: z.ZodType<DrillCheck> = z.looseObject({
  name: z.string(),
  verdict: z.enum(['passed', 'failed', 'skipped']),
  detail: z.string(),
  seconds: z.number(),
});
const phasesShape = z.record(z.string(), z.number());

export const drillFactsShape: z.ZodType<DrillFacts> = z.looseObject({
  checks: z.array(drillCheckShape),
  secondsByPhase: phasesShape,
  reachedLsn: lsnShape.exactOptional(),
  lastTransactionAt: instantShape.exactOptional(),
  timeline: countShape.exactOptional(),
  bytesWritten: countShape.exactOptional(),
});

export const drillVerdictShape: z.ZodType<DrillVerdict> = z.looseObject({
  isPassed: z.boolean(),
  isComplete: z.boolean(),
  failed: z.array(z.string()),
  skipped: z.array(z.string()),
  rtoSeconds: z.number(),
  rpoSeconds: z.number().exactOptional(),
  report: z.string(),
});

const recentDemandShape: z.ZodType<RecentDemand> = z.looseObject({
  by: z.enum(['rpo-target', 'drill-policy']),
  maxSeconds: countShape,
});

export const plannedDrillShape: z.ZodType<PlannedDrill> = z.looseObject({
  plan: restorePlanShape,
  plannedAt: instantShape,
  chooseSeconds: z.number(),
  coveredUntil: instantShape.exactOptional(),
  recent: recentDemandShape.exactOptional(),
  canary: canaryExpectedShape.exactOptional(),
  canaryAbsent: canaryAbsentShape.exactOptional(),
});

const named = <P extends 'res' | 'host' | 'pool'>(prefix: P) =>
  z.looseObject({ id: idShape(prefix), name: z.string() });

export const drillReportShape: z.ZodType<DrillReport> = z.looseObject({
  format: z.literal(1),
  ...{ runId: idShape('run'), resource: named('res'), host: named('host'), pool: named('pool') },
  ...{ isPassed: z.boolean(), isComplete: z.boolean() },
  ...{ plannedAt: instantShape, finishedAt: instantShape, engine: z.string(), systemId: z.string() },
  ...{ setId: idShape('set'), chain: z.array(idShape('set')), logSegments: countShape, timeline: countShape },
  ...{ mustReach: lsnShape, reachedLsn: lsnShape.exactOptional(), lastTransactionAt: instantShape.exactOptional() },
  ...{ coveredUntil: instantShape.exactOptional(), bytesWritten: countShape.exactOptional() },
  rto: z.looseObject({ seconds: z.number(), secondsByPhase: phasesShape }),
  ...{ rpoSeconds: z.number().exactOptional(), checks: z.array(drillCheckShape), previousSha256: z.string() },
  target: named('res').exactOptional(),
  toolVersion: z.string(),
});

export const signedReportShape: z.ZodType<SignedReport> = z.object({
  ...{ text: z.string(), sha256: z.string(), signature: z.string(), publicKey: z.string() },
});

/** What became of the report of a drill whose place is to be given back. */
export const closedReportShape = z.object({ isStored: z.boolean() });
