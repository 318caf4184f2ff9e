import type { Command } from 'commander';
import { z } from 'zod';
import type { ArchiveRetention, Compression } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import { parseLimits } from '#core/settings/rate-text.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { startAndWatch, waitOptions, waitShape } from './run-words.ts';

const backupShape = z.object({
  ...waitShape,
  type: z.enum(['full', 'log']),
  resource: z.string(),
  pool: z.string(),
  channels: z.coerce.number().int().optional(),
  compression: z.string().optional(),
  archiveRetention: z.string().optional(),
  archiveDirectory: z.string().optional(),
  transferRate: z.string().optional(),
  diskRate: z.string().optional(),
  slowCheckpoint: z.boolean().default(false),
  reconnectMinutes: z.coerce.number().int().optional(),
  queue: z.boolean().default(false),
});

export function addBackupCommand(program: Command, cli: Cli): void {
  addVerb(program, cli, {
    usage: 'backup',
    title: 'back up a resource now: full, or its log',
    options: {
      '--type <full|log>': 'what to back up',
      '--resource <resource>': 'database instance, by name or id',
      '--pool <pool>': 'where it goes',
      '--channels <n>': 'parallel streams, 1 to 255 (1; K-081)',
      '--compression <mode>': 'none, fast or a zstd level from 1 to 22 (fast; K-079)',
      '--archive-retention <mode>': 'archived log after backup: delete, <N>d to keep N days, or keep (delete; K-080)',
      '--archive-directory <path>': 'archive log directory on the host (K-082)',
      '--transfer-rate <rate>': 'limit to the pool, e.g. 20MiB per second (K-085)',
      '--disk-rate <rate>': 'limit of disk reads (K-086)',
      '--slow-checkpoint': 'wait for the next checkpoint instead of forcing one',
      '--reconnect-minutes <n>': 'wait this long for an agent that went away, 1 to 60 (10; K-084)',
      '--queue': 'wait in line when the resource is busy, instead of being refused',
      ...waitOptions,
    },
    shape: backupShape,
    act: (_cli, args, isJson) => {
      const { type, resource, pool, reconnectMinutes, timeout } = args;
      const body = {
        kind: `${type}-backup`,
        resource,
        pool,
        options: optionsOf(args),
        whenBusy: args.queue ? 'wait' : 'refuse',
        ...(reconnectMinutes === undefined ? {} : { reconnectMinutes }),
      };
      return startAndWatch(cli, { path: '/api/v1/runs', body, wait: args.wait, timeout, isJson });
    },
  });
}

function optionsOf(args: z.output<typeof backupShape>) {
  const { channels, compression, archiveRetention, archiveDirectory, transferRate, diskRate } = args;
  return {
    ...(channels === undefined ? {} : { channels }),
    ...(compression === undefined ? {} : { compression: compressionOf(compression) }),
    ...(archiveRetention === undefined ? {} : { archiveRetention: retentionOf(archiveRetention) }),
    ...(archiveDirectory === undefined ? {} : { archiveDirectory }),
    limits: parseLimits({ transfer: transferRate, disk: diskRate }),
    isFastCheckpoint: !args.slowCheckpoint,
  };
}

function compressionOf(text: string): Compression {
  if (text === 'none' || text === 'fast') return { mode: text };
  if (/^\d{1,2}$/.test(text)) return { mode: 'level', level: Number(text) };
  throw fail('value_malformed', { text, what: 'compression', expected: 'none, fast or a level from 1 to 22' });
}

function retentionOf(text: string): ArchiveRetention {
  if (text === 'delete' || text === 'keep') return { mode: text };
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  if (days !== undefined) return { mode: 'keep-days', days: Number(days) };
  throw fail('value_malformed', {
    text,
    what: 'archive retention',
    expected: 'delete, keep or a number of days like 7d',
  });
}
