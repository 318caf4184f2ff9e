import { z } from 'zod';
import type { PlannedSet, RestorePlace, RestorePlan } from '#core/restore/plan/plan.ts';
import type { RestoreTarget } from '../restore/target.ts';
import { channelsField, resumeBufferField } from './backup-options.ts';
import { field } from './field.ts';
import { restoreWaysShape } from './restore-ways.ts';
import { offlineOfSetShape, setTypeShape } from './shape/committed.ts';
import { rateLimitsShape } from './shape/progress.ts';
import { countShape, idShape, instantShape, lsnShape, pathShape, segmentShape } from './shape/words.ts';

const since = '0.1';
const inclusive = field(z.boolean(), {
  title: 'Inclusive',
  description: 'Whether what lies exactly at the point is replayed, as recovery_target_inclusive',
  since,
}).default(true);

/** The point a restore ends at (K-095…K-097). */
export const restoreTargetShape: z.ZodType<RestoreTarget> = z.discriminatedUnion('at', [
  z.object({ at: z.literal('time'), time: instantShape, isInclusive: inclusive }),
  z.object({ at: z.literal('lsn'), lsn: lsnShape, isInclusive: inclusive }),
  z.object({
    at: z.literal('xid'),
    xid: z.string().regex(/^\d{1,20}$/, 'it must be the number of a transaction'),
    isInclusive: inclusive,
  }),
  z.object({ at: z.literal('name'), name: z.string().min(1).max(63) }),
  z.object({ at: z.literal('immediate'), setId: idShape('set').exactOptional() }),
  z.object({ at: z.literal('latest') }),
]);

export const restorePlaceShape: z.ZodType<RestorePlace> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('copy'),
    directory: pathShape,
    port: z.number().int().min(1).max(65535).exactOptional(),
  }),
  z.object({
    kind: z.literal('in-place'),
    resourceId: idShape('res'),
    directory: pathShape,
    consent: z.string().max(200),
  }),
]);

/** Tablespace oid → new absolute path; a copy maps every tablespace. */
export const tablespaceMapField = field(
  z.record(z.string().regex(/^\d{1,10}$/, 'it must be the OID of a tablespace'), pathShape),
  {
    title: 'Tablespace map',
    description: 'Tablespace oid to its new absolute path; every tablespace of a set must be mapped for a copy',
    since,
  },
);

/** Options of a restore run with their defaults (K-106, K-107, K-110). */
export const restoreOptionsShape = z.object({
  channels: channelsField.default(1),
  isOpenedAfter: field(z.boolean(), {
    title: 'Open after success',
    description: 'Promote and open the database when it is recovered (K-107)',
    since,
  }).default(true),
  configFile: field(pathShape, {
    title: 'Database configuration file',
    description: 'Configuration file on the agent host to use instead of the set’s own (K-110)',
    since,
  }).exactOptional(),
  tablespaceMap: tablespaceMapField.default({}),
  limits: field(rateLimitsShape, {
    title: 'Rate limits',
    description:
      'Transfer rate from the pool and disk write rate, each with windows of the week in which another rate holds; 0 is unlimited (K-110)',
    unit: 'bytes per second',
    since,
  }).default({}),
  resumeBufferBytes: resumeBufferField.exactOptional(),
  ways: restoreWaysShape.exactOptional(),
});

const plannedSegmentShape = z.looseObject({
  name: segmentShape,
  branchId: z.string(),
  object: z.string(),
  rawSha256: z.string(),
  storedSha256: z.string(),
});

const plannedSetShape: z.ZodType<PlannedSet> = z.looseObject({
  setId: idShape('set'),
  type: setTypeShape,
  storedBytes: countShape,
});

/** A plan as it is stored and sent; fields of later versions are kept. */
export const restorePlanShape: z.ZodType<RestorePlan> = z.looseObject({
  setId: idShape('set'),
  systemId: z.string(),
  serverMajor: countShape,
  engine: z.string(),
  segmentBytes: countShape,
  asked: restoreTargetShape,
  setting: restoreTargetShape,
  timeline: countShape,
  mustReach: lsnShape,
  segments: z.array(plannedSegmentShape),
  histories: z.record(z.string(), z.string()),
  place: restorePlaceShape,
  tablespaceMap: z.record(z.string(), z.string()),
  isOpenedAfter: z.boolean(),
  configFile: z.string().exactOptional(),
  offline: offlineOfSetShape.exactOptional(),
  ways: restoreWaysShape.exactOptional(),
  givesUp: z
    .looseObject({
      ...{ end: lsnShape, lastCommit: instantShape, from: lsnShape, to: lsnShape, until: instantShape },
      isOfAnotherTime: z.literal(true).exactOptional(),
    })
    .exactOptional(),
  leavesYounger: z
    .looseObject({
      ...{ followed: countShape, followedUntil: instantShape, split: lsnShape },
      ...{ timeline: countShape, until: instantShape },
    })
    .exactOptional(),
  leavesGivenUp: z
    .looseObject({
      ...{ setId: idShape('set'), endLsn: lsnShape, endedAt: instantShape },
      later: z.looseObject({ setId: idShape('set'), endLsn: lsnShape }),
    })
    .exactOptional(),
  entersGivenUp: z.looseObject({ setId: idShape('set'), endLsn: lsnShape, endedAt: instantShape }).exactOptional(),
  rawBytes: countShape,
  chain: z.array(plannedSetShape),
  fetchBytes: countShape,
  steps: z.array(z.string()),
});
