import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { takeFullBackup } from '#agent/backup/take-full-backup.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { Stopwatch } from '#agent/restore/stopwatch.ts';
import { writeTarget } from '#agent/restore/write-target.ts';
import { openSet } from '#agent/sets/open-set.ts';
import type { BackupOptions } from '#core/agent/order.ts';
import type { IdPrefix } from '#core/id.ts';
import { formatId, parseId } from '#core/id.ts';
import { bug } from '#core/errors/fail.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { RestorePlan } from '#core/restore/plan.ts';
import type { StepContext } from '#core/ports/step.ts';
import { productVersion } from '#core/version.ts';

/**
 * The engine without agent, Temporal and API: one full backup or one restore of files, as a child process that the bench
 * times whole. Prints its peak memory and what it did as one line of JSON.
 */
const { values } = parseArgs({
  options: Object.fromEntries(
    [
      'action',
      'home',
      'data',
      'socket',
      'port',
      'system-id',
      'pool',
      'pool-id',
      'set-id',
      'password-file',
      'archive',
      'target',
    ].map((name) => [name, { type: 'string' as const, default: '' }]),
  ),
});
const option = (name: string): string => {
  const value = values[name];
  if (typeof value !== 'string' || value === '') throw bug(`the bench engine needs --${name}`);
  return value;
};

const clock = { nowMs: () => Date.now() };
const newId = <P extends IdPrefix>(prefix: P) => formatId(prefix, Date.now(), randomBytes(10));
const watch = new Stopwatch(clock);
const channels = 2;
const runId = newId('run');
const hostId = newId('host');
const setId = parseId('set', option('set-id'));
const place = { kind: 'local', directory: option('pool') } as const;
const pool: PoolAccess = { poolId: parseId('pool', option('pool-id')), name: 'bench', place, secrets: {} };
const step: StepContext = {
  runId,
  signal: new AbortController().signal,
  report: () => undefined,
  log: () => undefined,
  limits: () => ({}),
};

async function backUp(): Promise<void> {
  const password = readFileSync(option('password-file'), 'utf8').trim();
  const instance = {
    ...{ resourceId: newId('res'), engine: 'postgresql', dataDirectory: option('data'), socket: option('socket') },
    ...{ port: Number(option('port')), systemId: option('system-id') },
    login: { user: 'postgres', password, database: 'postgres' },
  };
  const options: BackupOptions = {
    channels,
    compression: { mode: 'fast' },
    archiveRetention: { mode: 'keep' },
    archiveDirectory: option('archive'),
    limits: {},
    isFastCheckpoint: true,
  };
  const take = takeFullBackup({
    home: option('home'),
    clock,
    newId,
    neededLog: () => Promise.resolve([]),
    toolVersion: productVersion,
  });
  await take({ kind: 'full-backup', runId, hostId, setId, instance, pool, options }, step);
}

/** Everything up to the last fsync of a data directory that is ready to recover, as a restore does it before the server starts. */
async function restoreFiles(): Promise<void> {
  const opened = await openPool(pool);
  const set = await openSet(opened, setId);
  const { summary } = set.meta;
  await set.close();
  const place: RestorePlan['place'] = { kind: 'copy', directory: option('target') };
  const plan: RestorePlan = {
    ...{ setId, systemId: summary.systemId, engine: summary.engine, segmentBytes: summary.segmentBytes },
    ...{ serverMajor: Math.floor(summary.serverVersion / 10_000), rawBytes: summary.rawBytes, place, steps: [] },
    ...{ timeline: summary.timeline, mustReach: summary.endLsn, segments: [], histories: {}, tablespaceMap: {} },
    asked: { at: 'immediate' },
    setting: { at: 'immediate' },
    isOpenedAfter: false,
    ...{ chain: [], fetchBytes: summary.storedBytes },
  };
  const channel = { putBatch: () => Promise.resolve() };
  const deps = {
    home: option('home'),
    clock,
    newId,
    channel,
    programs: () => Promise.resolve([]),
    logDirectories: () => Promise.resolve([]),
    account: 'postgres',
  };
  const order = { kind: 'restore', runId, hostId, pool, plan, limits: {}, channels } as const;
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const work = { deps, order, step, pool: opened, programs: '', watch };
  const address = { port: 5432, socket: join(option('home'), 'socket') };
  await writeTarget(work, { owner, addressOf: () => address, beforeFinish: () => undefined });
  await opened.close();
}

const actions: Readonly<Record<string, () => Promise<void>>> = { full: backUp, restore: restoreFiles };
const action = actions[option('action')];
if (action === undefined) throw bug('the bench engine knows full and restore');
const beganAt = performance.now();
await action();
const engineMs = Math.round(performance.now() - beganAt);
const rssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(`${JSON.stringify({ engineMs, rssMiB, seconds: watch.secondsByPhase() })}\n`);
