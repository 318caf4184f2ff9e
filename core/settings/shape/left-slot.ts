import { z } from 'zod';
import type { SlotTold, SlotVerdict } from '../../log/left-slot.ts';
import { instanceAccessShape } from './order.ts';
import { countShape, lsnShape } from './words.ts';

export const slotVerdictShape: z.ZodType<SlotVerdict> = z.looseObject({
  verdict: z.enum(['wait', 'drop', 'keep']),
  instance: instanceAccessShape.exactOptional(),
});

export const slotToldShape: z.ZodType<SlotTold> = z.discriminatedUnion('state', [
  z.object({ state: z.literal('gone') }),
  z.object({ state: z.literal('left'), slot: z.string().max(63), keptBytes: countShape, from: lsnShape }),
]);
