import { z } from 'zod';
import type { ArchiveRetention, BackupOptions, Compression } from '../agent/order.ts';
import { field } from './field.ts';
import { resumeBuffer } from '../run/resume-buffer.ts';
import { rateLimitsShape } from './shape/progress.ts';
import { pathShape } from './shape/words.ts';

const since = '0.1';

export const compressionShape: z.ZodType<Compression> = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('none') }),
  z.object({ mode: z.literal('fast') }),
  z.object({ mode: z.literal('level'), level: z.number().int().min(1).max(22) }),
]);

export const archiveRetentionShape: z.ZodType<ArchiveRetention> = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('delete') }),
  z.object({ mode: z.literal('keep-days'), days: z.number().int().min(1).max(3650) }),
  z.object({ mode: z.literal('keep') }),
]);

/** K-081 and K-106. */
export const channelsField = field(z.number().int().min(1).max(255), {
  title: 'Channels',
  description: 'Parallel streams of the run, at most as many as the host has cores (K-081, K-106)',
  since,
});

/** K-084: how long a run waits for an agent or server that went away. */
export const reconnectField = field(z.number().int().min(1).max(60), {
  title: 'Reconnect time',
  description:
    'Inside this time after a loss nothing is failed and the run goes on when the connection is back (K-084)',
  unit: 'minutes',
  since,
});

/** K-110. */
export const resumeBufferField = field(z.number().int().min(resumeBuffer.least).max(resumeBuffer.most), {
  title: 'Resume buffer',
  description:
    'What a channel may have under way before the pool acknowledges it, 10 MiB when absent: the largest object of a set, and what a kill loses at most per channel (K-110)',
  unit: 'bytes',
  since,
});

/** Options of a backup run with their defaults (K-079…K-086). */
export const backupOptionsShape: z.ZodType<BackupOptions> = z.object({
  channels: channelsField.default(1),
  compression: field(compressionShape, {
    title: 'Compression',
    description: 'none, fast (zstd 1, tuned for pages and log) or a zstd level from 1 to 22 (K-079)',
    since,
  }).default({ mode: 'fast' }),
  archiveRetention: field(archiveRetentionShape, {
    title: 'Archive retention',
    description: 'Archived log files after backup: delete all backed-up ones, keep them N days, or keep (K-080)',
    since,
  }).default({ mode: 'delete' }),
  archiveDirectory: field(pathShape, {
    title: 'Archive log directory',
    description:
      'Directory on the agent host into which the server archives its log; found by preflight when absent (K-082)',
    since,
  }).exactOptional(),
  limits: field(rateLimitsShape, {
    title: 'Rate limits',
    description:
      'Transfer rate to the pool (K-085) and disk read rate (K-086), each with windows of the week in which another rate holds; 0 is unlimited',
    unit: 'bytes per second',
    since,
  }).default({}),
  resumeBufferBytes: resumeBufferField.exactOptional(),
  isFastCheckpoint: field(z.boolean(), {
    title: 'Fast checkpoint',
    description: 'Begin with an immediate checkpoint instead of waiting for the next one',
    since,
  }).default(true),
  isWithoutLog: field(z.boolean(), {
    title: 'Without log',
    description:
      'The set holds no log of its own (non-consistent, D-021): it restores only with log that is backed up into the same pool; absent or false: it holds what it needs (D-020)',
    since,
  }).exactOptional(),
});
