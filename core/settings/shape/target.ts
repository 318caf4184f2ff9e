import { z } from 'zod';
import { instantShape } from './words.ts';

/** Seconds of a target: one minute to ten years. */
export const targetSecondsShape = z.number().int().min(60).max(315_360_000);

/** RPO: how much may be lost; RTO: how long recovery may take. */
export const targetShape = z.object({
  rpoSeconds: targetSecondsShape.nullable(),
  rtoSeconds: targetSecondsShape.nullable(),
  setBy: z.string(),
  setAt: instantShape,
});
