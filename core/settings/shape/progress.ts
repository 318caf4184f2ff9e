import { z } from 'zod';
import type { Progress, Warning } from '../../run/progress.ts';
import type { RateLimits } from '../../run/rate.ts';
import type { RateWindow } from '../../run/rate-window.ts';
import { isZone, weekdays } from '../../run/rate-window.ts';
import type { RunState } from '../../run/run-state.ts';
import { countShape, lsnShape } from './words.ts';

export const progressShape: z.ZodType<Progress> = z.looseObject({
  phase: z.string().max(60),
  bytesRead: countShape,
  bytesWritten: countShape,
  bytesTotal: countShape,
  filesDone: countShape,
  filesTotal: countShape,
  piecesDone: countShape,
  replay: z
    .looseObject({ from: lsnShape, at: lsnShape, to: lsnShape, secondsLeft: countShape.exactOptional() })
    .exactOptional(),
});

export const warningShape: z.ZodType<Warning> = z.looseObject({ code: z.string(), detail: z.string() });

export const logLevelShape = z.enum(['debug', 'info', 'warn', 'error']);

/** Bytes per second, at least 1 KiB/s; 0 = unlimited. */
const rateShape = z.union([z.literal(0), z.number().int().min(1024).max(1_099_511_627_776)]);

export const rateWindowShape: z.ZodType<RateWindow> = z
  .object({
    weekdays: z.array(z.enum(weekdays)).min(1).max(7),
    fromHour: z.number().int().min(0).max(23),
    toHour: z.number().int().min(1).max(24),
    zone: z.string().refine(isZone, 'not a name of the time zone database'),
    bytesPerSecond: rateShape,
  })
  .refine(({ fromHour, toHour }) => fromHour !== toHour, 'a window of no length; the whole day is 0 to 24');

const windowsShape = z.array(rateWindowShape).max(50);
/** Rates in bytes per second, and windows of the week with rates of their own; 0 and absent are unlimited (K-085, K-086). */
export const rateLimitsShape: z.ZodType<RateLimits> = z.object({
  transferBytesPerSecond: rateShape.exactOptional(),
  transferWindows: windowsShape.exactOptional(),
  diskBytesPerSecond: rateShape.exactOptional(),
  diskWindows: windowsShape.exactOptional(),
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
