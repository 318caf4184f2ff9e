import { z } from 'zod';
import type { ScrubNext, ScrubTold } from '../../care/verification.ts';
import { markShape } from './care.ts';
import { batchSummaryShape } from './committed.ts';
import { verifyReportShape } from './reports.ts';
import { countShape, idShape, instantShape } from './words.ts';

export const scrubNextShape: z.ZodType<ScrubNext> = z.discriminatedUnion('next', [
  z.looseObject({
    ...{ next: z.literal('nothing'), sets: countShape, batches: countShape, bytes: countShape, damaged: countShape },
    first: z.looseObject({ object: z.string(), what: z.string() }).exactOptional(),
  }),
  z.looseObject({
    ...{ next: z.literal('set'), setId: idShape('set'), fromPiece: countShape },
    budgetBytes: countShape.exactOptional(),
  }),
  z.looseObject({ next: z.literal('batch'), batch: batchSummaryShape }),
]);

export const scrubToldShape: z.ZodType<ScrubTold> = z.discriminatedUnion('kind', [
  z.looseObject({
    ...{ kind: z.literal('set'), setId: idShape('set'), report: verifyReportShape },
    ...{ nextPiece: countShape.exactOptional(), marks: z.array(markShape).exactOptional() },
  }),
  z.looseObject({ kind: z.literal('batch'), batchId: idShape('batch'), report: verifyReportShape }),
]);

/** A set or batch of log in the order in which a scrub looks at it. */
export const scrubCandidateShape = z
  .object({
    kind: z.enum(['set', 'batch']),
    id: z.string(),
    resourceId: idShape('res'),
    storedBytes: countShape,
    /** Index of the piece where a scrub with a budget goes on. */
    nextPiece: countShape,
    /** When every stored byte was read; null when it never was. */
    checkedAt: instantShape.nullable(),
    /** Since when nobody has looked: the last look, or the time when it was made. */
    since: instantShape,
    /** What was found; null when it is not known to be damaged. */
    damage: z.string().nullable(),
  })
  .meta({ id: 'ScrubCandidate' });
