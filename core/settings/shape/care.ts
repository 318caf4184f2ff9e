import { z } from 'zod';
import type { CarePlan, LogVerdict, Reason, SetVerdict } from '../../care/retention-plan.ts';
import { reasonCodes } from '../../care/retention-plan.ts';
import type {
  CareTask,
  ClaimVerdict,
  DeletionClaim,
  DeletionTold,
  LogToDelete,
  TruncationNote,
} from '../../care/care-task.ts';
import type { MarkOfSet, NewMark } from '../../care/mark.ts';
import { markKinds } from '../../care/mark.ts';
import type { RetentionPolicy, RetentionRule } from '../../care/policy.ts';
import { countShape, idShape, instantShape, lsnShape } from './words.ts';

const days = z.number().int().min(1).max(36_500);
const generations = z.number().int().min(0).max(1000);

const ruleShape: z.ZodType<RetentionRule> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('fulls'), count: z.number().int().min(1).max(10_000) }),
  z.object({ kind: z.literal('window'), days }),
  z.object({
    ...{ kind: z.literal('generations'), daily: generations, weekly: generations },
    ...{ monthly: generations, yearly: generations, zone: z.string().max(60) },
  }),
]);

/** What is kept of one resource in one pool. */
export const retentionPolicyShape: z.ZodType<RetentionPolicy> = z.object({
  rule: ruleShape,
  logDays: days.exactOptional(),
  minimumFulls: z.number().int().min(1).max(1000),
});

const newMark = {
  ...{ markId: idShape('mark'), setId: idShape('set'), kind: z.enum(markKinds), at: instantShape },
  ...{ by: z.string().max(200), until: instantShape.exactOptional(), text: z.string().max(2000) },
};
export const newMarkShape: z.ZodType<NewMark> = z.looseObject(newMark);

const sha256 = z.string().regex(/^([0-9a-f]{64})?$/);
/** A mark as the pool keeps it. Fields of newer agents are kept. */
export const markShape: z.ZodType<MarkOfSet> = z.looseObject({
  ...newMark,
  seq: z.number().int().min(1),
  previousSha256: sha256,
});

const systemIdShape = z.string().regex(/^\d{1,20}$/);
const branchIdShape = z.string().regex(/^[0-9a-f]{32}$/);
const rangeShape = z.looseObject({ from: lsnShape, to: lsnShape });

export const truncationNoteShape: z.ZodType<TruncationNote> = z.looseObject({
  ...{ noteId: idShape('mark'), systemId: systemIdShape, branchId: branchIdShape, seq: z.number().int().min(1) },
  ...{ runId: idShape('run'), at: instantShape },
  links: z.array(z.looseObject({ previousSha256: sha256, sha256, count: countShape })),
  ranges: z.array(rangeShape),
  segments: z.array(z.looseObject({ name: z.string(), rawSha256: sha256 })).exactOptional(),
});

const logToDeleteShape: z.ZodType<LogToDelete> = z.looseObject({
  ...{ systemId: systemIdShape, branchId: branchIdShape },
  batches: z.array(z.looseObject({ batchId: idShape('batch'), from: lsnShape, to: lsnShape })),
  objects: z.array(z.string()),
});

export const careTaskShape: z.ZodType<CareTask> = z.discriminatedUnion('task', [
  z.looseObject({
    ...{ task: z.literal('delete'), planId: idShape('plan'), sets: z.array(idShape('set')) },
    log: z.array(logToDeleteShape),
  }),
  z.looseObject({
    ...{ task: z.literal('collect'), isDryRun: z.boolean() },
    graceHours: z.number().int().min(1).max(8760),
  }),
  z.looseObject({ task: z.literal('scrub'), depth: z.enum(['full', 'page']) }),
]);

/** What is deleted, as the catalog stores it with a plan. */
export const deletionsShape = z.looseObject({ sets: z.array(idShape('set')), log: z.array(logToDeleteShape) });

export const deletionClaimShape: z.ZodType<DeletionClaim> = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('set'), setId: idShape('set'), isGone: z.boolean().exactOptional() }),
  z.looseObject({
    kind: z.literal('log'),
    systemId: systemIdShape,
    branchId: branchIdShape,
    to: lsnShape.exactOptional(),
    graceHours: countShape.exactOptional(),
    isDryRun: z.boolean().exactOptional(),
  }),
  z.looseObject({
    ...{ kind: z.literal('orphan'), setId: idShape('set'), madeBy: idShape('run').exactOptional() },
    ...{ lastTriedAt: instantShape, graceHours: countShape, isDryRun: z.boolean() },
  }),
]);

export const claimVerdictShape: z.ZodType<ClaimVerdict> = z.discriminatedUnion('verdict', [
  z.looseObject({ verdict: z.enum(['granted', 'done']) }),
  z.looseObject({ verdict: z.literal('refused'), why: z.string() }),
]);

const stepShape = z.enum(['removed', 'done', 'kept']);
export const deletionToldShape: z.ZodType<DeletionTold> = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('set'), setId: idShape('set'), step: stepShape }),
  z.looseObject({
    ...{ kind: z.literal('log'), systemId: systemIdShape, branchId: branchIdShape },
    ...{ batches: z.array(idShape('batch')), step: stepShape },
  }),
  z.looseObject({ kind: z.literal('orphan'), setId: idShape('set'), step: z.enum(['done', 'kept']) }),
]);

const reasonShape: z.ZodType<Reason> = z.looseObject({ code: z.enum(reasonCodes), detail: z.string() });
const verdictParts = { storedBytes: countShape, isDeleted: z.boolean(), reasons: z.array(reasonShape) };

const setVerdictShape: z.ZodType<SetVerdict> = z.looseObject({
  ...{ setId: idShape('set'), resourceId: idShape('res'), systemId: systemIdShape },
  ...{ type: z.enum(['full', 'differential', 'cumulative']), endedAt: instantShape, ...verdictParts },
});

const logVerdictShape: z.ZodType<LogVerdict> = z.looseObject({
  ...{ systemId: systemIdShape, branchId: z.string(), timeline: countShape, from: lsnShape, to: lsnShape },
  ...{ coveredUntil: instantShape, batches: z.array(idShape('batch')), segmentCount: countShape, ...verdictParts },
});

/** A care plan as API, CLI and catalog carry it. */
export const carePlanShape: z.ZodType<CarePlan> = z.looseObject({
  ...{ planId: idShape('plan'), kind: z.enum(['retention', 'remove']), poolId: idShape('pool') },
  ...{ resourceId: idShape('res'), policy: retentionPolicyShape.exactOptional(), madeAt: instantShape },
  ...{ worldSha256: z.string(), deletedBytes: countShape },
  ...{ sets: z.array(setVerdictShape), log: z.array(logVerdictShape) },
});
