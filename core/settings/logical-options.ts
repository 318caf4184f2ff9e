import { z } from 'zod';
import type { LogicalBackupOptions } from '../agent/order.ts';
import { channelsField, compressionShape, resumeBufferField } from './backup-options.ts';
import { field } from './field.ts';
import { rateLimitsShape } from './shape/progress.ts';

const since = '0.1';

/** Options of a logical backup with their defaults (K-079, K-081, K-085, K-086, K-110). */
export const logicalBackupOptionsShape: z.ZodType<LogicalBackupOptions> = z.object({
  channels: channelsField.default(1),
  compression: field(compressionShape, {
    title: 'Compression',
    description: 'none, fast (zstd 1, tuned for pages and log) or a zstd level from 1 to 22 (K-079)',
    since,
  }).default({ mode: 'fast' }),
  limits: field(rateLimitsShape, {
    title: 'Rate limits',
    description:
      'Transfer rate to the pool (K-085) and rate at which the server is read (K-086), each with windows of the week; 0 is unlimited',
    unit: 'bytes per second',
    since,
  }).default({}),
  resumeBufferBytes: resumeBufferField.exactOptional(),
});

/** How many sets of a job are wanted. */
export const keepShape = z.number().int().min(1).max(1000);
