import { z } from 'zod';
import type { RunOutcome } from '../../ports/run-book.ts';
import { warningShape } from './progress.ts';

/** The last word on a run, as it is stored and shown. */
export const runOutcomeShape: z.ZodType<RunOutcome> = z.discriminatedUnion('state', [
  z.looseObject({ state: z.literal('succeeded'), result: z.unknown() }),
  z.looseObject({ state: z.literal('warned'), result: z.unknown(), warnings: z.array(warningShape) }),
  z.looseObject({
    state: z.enum(['failed', 'skipped', 'cancelled']),
    code: z.string(),
    params: z.record(z.string(), z.string()),
    message: z.string(),
    hasWorked: z.literal(true).exactOptional(),
  }),
]);
