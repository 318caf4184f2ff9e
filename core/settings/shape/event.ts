import { z } from 'zod';
import type { HoldfastEvent } from '../../notice/event.ts';
import type { EventType } from '../../notice/event-type.ts';
import { eventTypeNames, isEventType } from '../../notice/event-type.ts';
import { countShape, idShape, instantShape } from './words.ts';

export const eventTypeShape: z.ZodType<EventType, string> = z
  .string()
  .refine(isEventType, 'not a type of event')
  .meta({ description: 'type of an event', enum: [...eventTypeNames] });

const subject = <T extends z.ZodType>(shape: T) => shape.nullish().transform((id) => id ?? undefined);

/** An event as it is stored and told. */
export const eventShape: z.ZodType<HoldfastEvent> = z.object({
  ...{ id: idShape('evt'), seq: countShape, type: eventTypeShape, at: instantShape },
  ...{ runId: subject(idShape('run')), jobId: subject(idShape('job')), resourceId: subject(idShape('res')) },
  ...{ hostId: subject(idShape('host')), poolId: subject(idShape('pool')), setId: subject(idShape('set')) },
  data: z.record(z.string(), z.unknown()),
});
