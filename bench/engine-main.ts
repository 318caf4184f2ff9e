import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { tuneV8 } from '#agent/tune-v8.ts';
import { takeFullBackup } from '#agent/backup/take-full-backup.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { takeLogBackup } from '#agent/wal/take-log-backup.ts';
import type { BackupOptions, BaseOfBackup, InstanceAccess } from '#core/agent/order.ts';
import type { IdPrefix } from '#core/id.ts';
import { formatId, parseId } from '#core/id.ts';
import { bug } from '#core/errors/fail.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { changedPagesSourceShape } from '#core/settings/shape/committed.ts';
import type { StepContext } from '#core/ports/step.ts';
import { productVersion } from '#core/version.ts';
import { engineOptions } from './engine-options.ts';
import { restoreFiles } from './engine-restore.ts';

/**
 * The engine without agent, Temporal and API: one backup, log backup or restore of files, as a child process that the bench
 * times whole. Prints its peak memory and what it did as one line of JSON.
 */
const { values } = parseArgs({
  options: Object.fromEntries(engineOptions.map((name) => [name, { type: 'string' as const, default: '' }])),
});
const optional = (name: (typeof engineOptions)[number]): string => {
  const value = values[name];
  return typeof value === 'string' ? value : '';
};
const option = (name: (typeof engineOptions)[number]): string => {
  const value = optional(name);
  if (value === '') throw bug(`the bench engine needs --${name}`);
  return value;
};

const clock = { nowMs: () => Date.now() };
const newId = <P extends IdPrefix>(prefix: P) => formatId(prefix, Date.now(), randomBytes(10));
const channels = Number(option('channels'));
const runId = newId('run');
const hostId = newId('host');
const place = { kind: 'local', directory: option('pool') } as const;
const pool: PoolAccess = { poolId: parseId('pool', option('pool-id')), name: 'bench', place, secrets: {} };
const facts: Record<string, unknown> = {};
const step: StepContext = {
  runId,
  signal: new AbortController().signal,
  report: () => undefined,
  log: () => undefined,
  limits: () => ({}),
};
const neededLog = () => Promise.resolve([]);

const instanceOf = (): InstanceAccess => ({
  ...{ resourceId: newId('res'), engine: 'postgresql', dataDirectory: option('data'), socket: optional('socket') },
  ...{ port: Number(optional('port')), systemId: option('system-id') },
});

const optionsOf = (): BackupOptions => ({
  channels,
  compression: { mode: 'fast' },
  archiveRetention: { mode: 'keep' },
  archiveDirectory: option('archive'),
  limits: {},
  isFastCheckpoint: true,
});

async function baseOf(setId: string): Promise<BaseOfBackup> {
  const opened = await openPool(pool);
  const set = await openSet(opened, parseId('set', setId));
  const { summary } = set.meta;
  await set.close();
  await opened.close();
  const source = optional('source');
  return { summary, wanted: 'cumulative', ...(source === '' ? {} : { source: changedPagesSourceShape.parse(source) }) };
}

async function backUp(): Promise<void> {
  const password = readFileSync(option('password-file'), 'utf8').trim();
  const login = { user: 'postgres', password, database: 'postgres' };
  const setId = parseId('set', option('set-id'));
  const base = optional('base') === '' ? {} : { base: await baseOf(option('base')) };
  const take = takeFullBackup({ home: option('home'), clock, newId, neededLog, toolVersion: productVersion });
  const order = { kind: 'full-backup', runId, hostId, setId, pool, options: optionsOf(), ...base } as const;
  const set = await take({ ...order, instance: { ...instanceOf(), login } }, step);
  facts['type'] = set.type;
  facts['source'] = set.base?.changedPages;
}

/** Without login: what the archive holds, nothing is switched. */
async function backUpLog(): Promise<void> {
  const channel = { putBatch: () => Promise.resolve() };
  const take = takeLogBackup({ clock, newId, channel, neededLog });
  const order = { kind: 'log-backup', runId, hostId, pools: [pool], neededFrom: [] } as const;
  const { segments, warnings } = await take({ ...order, instance: instanceOf(), options: optionsOf() }, step);
  facts['segments'] = segments;
  facts['warnings'] = warnings.length;
}

async function restore(): Promise<void> {
  const setId = parseId('set', option('set-id'));
  const work = { pool, setId, channels, runId, hostId, step, clock, newId };
  facts['seconds'] = await restoreFiles({ ...work, home: option('home'), target: option('target') });
}

const actions: Readonly<Record<string, () => Promise<void>>> = { full: backUp, log: backUpLog, restore };
const action = actions[option('action')];
if (action === undefined) throw bug(`the bench engine knows ${Object.keys(actions).join(', ')}`);
// As the agent does.
tuneV8();
const beganAt = performance.now();
await action();
const engineMs = Math.round(performance.now() - beganAt);
const rssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(`${JSON.stringify({ engineMs, rssMiB, ...facts })}\n`);
