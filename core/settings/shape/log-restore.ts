import { z } from 'zod';
import type { LogBound, LogRestorePlan, MissingLog, PlannedLog } from '../../log/log-restore-plan.ts';
import { countShape, idShape, instantShape, lsnShape, segmentShape } from './words.ts';

/** An end of a range of log. */
export const logBoundShape: z.ZodType<LogBound> = z.discriminatedUnion('at', [
  z.object({ at: z.literal('time'), time: instantShape }),
  z.object({ at: z.literal('lsn'), lsn: lsnShape }),
]);

const plannedLogShape: z.ZodType<PlannedLog> = z.looseObject({
  name: segmentShape,
  branchId: z.string(),
  timeline: countShape,
  object: z.string(),
  rawSha256: z.string(),
  storedSha256: z.string(),
  from: lsnShape,
  to: lsnShape,
});

const missingLogShape: z.ZodType<MissingLog> = z.looseObject({
  from: lsnShape.exactOptional(),
  to: lsnShape.exactOptional(),
  what: z.string(),
});

/** A plan as it is stored and sent; fields of later versions are kept. */
export const logRestorePlanShape: z.ZodType<LogRestorePlan> = z.looseObject({
  resourceId: idShape('res'),
  systemId: z.string(),
  engine: z.string(),
  segmentBytes: countShape,
  branchId: z.string(),
  timeline: countShape,
  from: logBoundShape,
  to: logBoundShape.exactOptional(),
  segments: z.array(plannedLogShape),
  histories: z.record(z.string(), z.string()),
  gaps: z.array(missingLogShape),
  rawBytes: countShape,
  fetchBytes: countShape,
});
