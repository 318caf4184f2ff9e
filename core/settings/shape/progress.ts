import { z } from 'zod';
import type { Progress, Warning } from '../../run/progress.ts';
import type { RateLimits } from '../../run/rate.ts';
import type { RunState } from '../../run/run-state.ts';
import { countShape } from './words.ts';

export const progressShape: z.ZodType<Progress> = z.looseObject({
  phase: z.string().max(60),
  bytesRead: countShape,
  bytesWritten: countShape,
  bytesTotal: countShape,
  filesDone: countShape,
  filesTotal: countShape,
  piecesDone: countShape,
});

export const warningShape: z.ZodType<Warning> = z.looseObject({ code: z.string(), detail: z.string() });

export const logLevelShape = z.enum(['debug', 'info', 'warn', 'error']);

const rateShape = z.number().int().min(1024).max(1_099_511_627_776);
/** Rates in bytes per second, at least 1 KiB/s; an absent one is unlimited (K-085, K-086). */
export const rateLimitsShape: z.ZodType<RateLimits> = z.object({
  transferBytesPerSecond: rateShape.exactOptional(),
  diskBytesPerSecond: rateShape.exactOptional(),
});

export const runStateShape: z.ZodType<RunState> = z.enum([
  'queued',
  'running',
  'paused',
  'succeeded',
  'warned',
  'failed',
  'cancelled',
  'skipped',
]);
