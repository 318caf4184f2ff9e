import { z } from 'zod';
import type { ResourceStatus } from '../../notice/resource-status.ts';
import { resourceStates } from '../../notice/resource-status.ts';
import { countShape, idShape, instantShape } from './words.ts';

const seconds = z.number().min(0).nullable();

/** What a monitoring system wants to know of a resource, in one flat record. */
export const resourceStatusShape: z.ZodType<ResourceStatus> = z.object({
  ...{ id: idShape('res'), resource: z.string(), state: z.enum(resourceStates) },
  ...{ hostId: idShape('host').nullable(), host: z.string().nullable(), isHostOnline: z.boolean() },
  ...{ lastSuccess: z.record(z.string(), instantShape), latestRestorable: instantShape.nullable() },
  ...{ rpoSeconds: seconds, rpoTargetSeconds: seconds, rtoSeconds: seconds, rtoTargetSeconds: seconds },
  ...{ targetSetAt: instantShape.nullable(), lastDrill: instantShape.nullable() },
  ...{ logGaps: countShape, needsLogin: z.boolean() },
});
