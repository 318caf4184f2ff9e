import type { Command } from 'commander';
import { z } from 'zod';
import type { ArchiveRetention, Compression } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import { changedPagesSourceShape } from '#core/settings/shape/committed.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { hookOptions, hookShape, hooksOf, verifyOf, verifyOptions, verifyShape } from './jobs/hook-words.ts';
import {
  limitOptions,
  limitShape,
  limitsOf,
  reconnectOf,
  reconnectOptions,
  reconnectShape,
  resumeBufferOf,
  resumeBufferOptions,
  resumeBufferShape,
} from './jobs/limit-words.ts';
import { startAndWatch, waitOptions, waitShape } from './runs/run-words.ts';

/** Options of a backup, now or in a job. */
export const backupOptions = {
  '--type <full|incremental|differential|cumulative|log>':
    'incremental is differential, which builds on the newest set; cumulative on the newest full (incr and diff of pgBackRest); without one it becomes a full (K-048)',
  '--offline':
    'back up a closed instance, shut down or crashed, with the log that it needs to start; full only, no login needed (D-007)',
  '--primary <resource>': 'the resource is a standby and follows this one, on which checkpoints are forced',
  '--primary-address <host:port>': 'where the host of the standby reaches the primary; its own socket when absent',
  '--without-primary': 'the resource is a standby whose primary cannot be asked: full backups only',
  '--stream':
    'with --type log: receive the log as it is written, through a replication slot, until the run is cancelled',
  '--tail-every <seconds>': 'with --stream: how often the unfinished segment is committed, 1 to 3600 (30)',
  '--source <wal-summary|log|page-lsn|content-hash>':
    'where changed pages of an incremental come from; the best that is available when absent',
  '--resource <resource>': 'database instance, by name or id',
  '--pool <pool>': 'where it goes',
  '--channels <n>': 'parallel streams, 1 to 255 (1; K-081), on at most two threads a processor',
  '--compression <mode>': 'none, fast or a zstd level from 1 to 22 (fast; K-079)',
  '--archive-retention <mode>': 'archived log after backup: delete, <N>d to keep N days, or keep (delete; K-080)',
  '--archive-directory <path>': 'archive log directory on the host (K-082)',
  ...limitOptions('reads'),
  ...resumeBufferOptions,
  '--slow-checkpoint': 'wait for the next checkpoint instead of forcing one',
  '--without-log':
    'put no log into the set (non-consistent): it restores only with log that is backed up into the same pool (D-021)',
  ...verifyOptions,
  ...hookOptions,
  ...reconnectOptions,
  '--queue': 'wait in line when the resource is busy, instead of being refused',
};

/** `incremental` is what most people call a differential. */
const typeShape = z
  .enum(['full', 'incremental', 'differential', 'cumulative', 'log'])
  .transform((type) => (type === 'incremental' ? ('differential' as const) : type));

export const backupShape = z.object({
  type: typeShape,
  source: changedPagesSourceShape.optional(),
  resource: z.string(),
  pool: z.string(),
  channels: z.coerce.number().int().optional(),
  compression: z.string().optional(),
  archiveRetention: z.string().optional(),
  archiveDirectory: z.string().optional(),
  ...limitShape,
  ...reconnectShape,
  ...resumeBufferShape,
  ...hookShape,
  ...verifyShape,
  slowCheckpoint: z.boolean().default(false),
  withoutLog: z.boolean().default(false),
  offline: z.boolean().default(false),
  stream: z.boolean().default(false),
  tailEvery: z.coerce.number().int().optional(),
  primary: z.string().optional(),
  primaryAddress: z.string().optional(),
  withoutPrimary: z.boolean().default(false),
  queue: z.boolean().default(false),
});

export function addBackupCommand(program: Command, cli: Cli): void {
  addVerb(program, cli, {
    usage: 'backup',
    title: 'back up a resource now: full, incremental, or its log',
    options: { ...backupOptions, ...waitOptions },
    shape: backupShape.extend(waitShape),
    act: (_cli, { wait, timeout, ...args }, isJson) =>
      startAndWatch(cli, { path: '/api/v1/runs', body: backupBody(args), wait, timeout, isJson }),
  });
}

/** What the API is asked for. */
export const backupBody = (args: z.output<typeof backupShape>) => ({
  ...kindOf(args),
  ...standbyOf(args),
  ...{ resource: args.resource, pool: args.pool, options: optionsOf(args) },
  whenBusy: args.queue ? 'wait' : 'refuse',
  ...reconnectOf(args.reconnect),
  ...hooksOf(args),
  ...verifyOf(args.verify),
});

function kindOf(args: z.output<typeof backupShape>) {
  demandFitting(args);
  const { type, source, tailEvery } = args;
  if (args.stream) return { kind: 'log-stream', ...(tailEvery === undefined ? {} : { tailSeconds: tailEvery }) };
  if (type === 'differential' || type === 'cumulative') return { kind: 'incremental-backup', type, source };
  if (source === undefined) return { kind: `${type}-backup`, ...(args.offline ? { isOffline: true } : {}) };
  throw fail('value_malformed', { text: source, what: '--source', expected: 'a differential or cumulative backup' });
}

function standbyOf({ primary, primaryAddress, withoutPrimary }: z.output<typeof backupShape>) {
  if (withoutPrimary && primary === undefined) return { standby: {} };
  if (primary === undefined) return {};
  return { standby: { primary, ...(primaryAddress === undefined ? {} : { address: addressOf(primaryAddress) }) } };
}

function addressOf(text: string): { host: string; port: number } {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host !== undefined && port !== undefined) return { host, port: Number(port) };
  throw fail('value_malformed', { text, what: '--primary-address', expected: 'host:port' });
}

/** Options that go with one type only. */
function demandFitting(args: z.output<typeof backupShape>): void {
  const { type, tailEvery } = args;
  if (args.offline && type !== 'full')
    throw fail('value_malformed', { text: type, what: '--type with --offline', expected: 'full' });
  if (args.withoutLog && type === 'log')
    throw fail('value_malformed', { text: type, what: '--type with --without-log', expected: 'a full or incremental' });
  if (args.stream && type !== 'log')
    throw fail('value_malformed', { text: type, what: '--type with --stream', expected: 'log' });
  if (tailEvery !== undefined && !args.stream)
    throw fail('value_malformed', { text: String(tailEvery), what: '--tail-every', expected: 'it with --stream only' });
}

function optionsOf(args: z.output<typeof backupShape>) {
  const { channels, compression, archiveRetention, archiveDirectory } = args;
  return {
    ...(channels === undefined ? {} : { channels }),
    ...(compression === undefined ? {} : { compression: compressionOf(compression) }),
    ...(archiveRetention === undefined ? {} : { archiveRetention: retentionOf(archiveRetention) }),
    ...(archiveDirectory === undefined ? {} : { archiveDirectory }),
    limits: limitsOf(args),
    ...resumeBufferOf(args.resumeBuffer),
    isFastCheckpoint: !args.slowCheckpoint,
    ...(args.withoutLog ? { isWithoutLog: true } : {}),
  };
}

export function compressionOf(text: string): Compression {
  if (text === 'none' || text === 'fast') return { mode: text };
  if (/^\d{1,2}$/.test(text)) return { mode: 'level', level: Number(text) };
  throw fail('value_malformed', { text, what: '--compression', expected: 'none, fast or a level from 1 to 22' });
}

function retentionOf(text: string): ArchiveRetention {
  if (text === 'delete' || text === 'keep') return { mode: text };
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  if (days !== undefined) return { mode: 'keep-days', days: Number(days) };
  throw fail('value_malformed', {
    text,
    what: '--archive-retention',
    expected: 'delete, keep or a number of days like 7d',
  });
}
