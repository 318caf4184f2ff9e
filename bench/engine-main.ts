import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
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
import type { EngineOptions } from './engine-options.ts';
import { engineOptions, engineOptionsShape } from './engine-options.ts';
import { restoreFiles } from './engine-restore.ts';

/**
 * The engine without agent, Temporal and API: one backup, log backup or restore of files, as a child process that the bench
 * times whole. Prints its peak memory and what it did as one line of JSON. With `--action serve` it stays, as an agent does, and does
 * what each line of its input says, an object of such options, until the input ends.
 */
const { values: given } = parseArgs({
  options: Object.fromEntries(engineOptions.map((name) => [name, { type: 'string' as const, default: '' }])),
});

const clock = { nowMs: () => Date.now() };
const newId = <P extends IdPrefix>(prefix: P) => formatId(prefix, Date.now(), randomBytes(10));
const neededLog = () => Promise.resolve([]);

type Facts = Readonly<Record<string, unknown>>;

/** One thing to do. */
class Engine {
  readonly #values: EngineOptions;
  readonly #runId = newId('run');
  readonly #hostId = newId('host');
  readonly #channels: number;
  readonly #pool: PoolAccess;
  readonly #step: StepContext;

  constructor(values: EngineOptions) {
    this.#values = values;
    this.#channels = Number(this.#option('channels'));
    const place = { kind: 'local', directory: this.#option('pool') } as const;
    this.#pool = { poolId: parseId('pool', this.#option('pool-id')), name: 'bench', place, secrets: {} };
    this.#step = {
      runId: this.#runId,
      signal: new AbortController().signal,
      report: () => undefined,
      log: () => undefined,
      limits: () => ({}),
    };
  }

  run(): Promise<Facts> {
    const action = this.#option('action');
    if (action === 'full') return this.#backUp();
    if (action === 'log') return this.#backUpLog();
    if (action === 'restore') return this.#restore();
    throw bug(`the bench engine does not know ${action}`);
  }

  readonly #optional = (name: keyof EngineOptions): string => this.#values[name] ?? '';

  #option(name: keyof EngineOptions): string {
    const value = this.#optional(name);
    if (value === '') throw bug(`the bench engine needs --${name}`);
    return value;
  }

  #instance(): InstanceAccess {
    return {
      ...{ resourceId: newId('res'), engine: 'postgresql', dataDirectory: this.#option('data') },
      ...{ socket: this.#optional('socket'), port: Number(this.#optional('port')) },
      systemId: this.#option('system-id'),
    };
  }

  #options(): BackupOptions {
    return {
      channels: this.#channels,
      compression: { mode: 'fast' },
      archiveRetention: { mode: 'keep' },
      archiveDirectory: this.#option('archive'),
      limits: {},
      isFastCheckpoint: true,
    };
  }

  async #base(setId: string): Promise<BaseOfBackup> {
    const opened = await openPool(this.#pool);
    const set = await openSet(opened, parseId('set', setId));
    const { summary } = set.meta;
    await set.close();
    await opened.close();
    const source = this.#optional('source');
    const named = source === '' ? {} : { source: changedPagesSourceShape.parse(source) };
    return { summary, wanted: 'cumulative', ...named };
  }

  async #backUp(): Promise<Facts> {
    const password = readFileSync(this.#option('password-file'), 'utf8').trim();
    const login = { user: 'postgres', password, database: 'postgres' };
    const setId = parseId('set', this.#option('set-id'));
    const base = this.#optional('base') === '' ? {} : { base: await this.#base(this.#option('base')) };
    const take = takeFullBackup({ home: this.#option('home'), clock, newId, neededLog, toolVersion: productVersion });
    const names = { runId: this.#runId, hostId: this.#hostId, setId, pool: this.#pool };
    const order = { kind: 'full-backup', ...names, options: this.#options(), ...base } as const;
    const set = await take({ ...order, instance: { ...this.#instance(), login } }, this.#step);
    return { type: set.type, source: set.base?.changedPages };
  }

  /** Without login: what the archive holds, nothing is switched. */
  async #backUpLog(): Promise<Facts> {
    const channel = { putBatch: () => Promise.resolve() };
    const take = takeLogBackup({ clock, newId, channel, neededLog });
    const names = { runId: this.#runId, hostId: this.#hostId, pools: [this.#pool] };
    const order = { kind: 'log-backup', ...names, neededFrom: [] } as const;
    const report = await take({ ...order, instance: this.#instance(), options: this.#options() }, this.#step);
    return { segments: report.segments, warnings: report.warnings.length };
  }

  async #restore(): Promise<Facts> {
    const setId = parseId('set', this.#option('set-id'));
    const names = { pool: this.#pool, setId, runId: this.#runId, hostId: this.#hostId };
    const work = { ...names, channels: this.#channels, step: this.#step, clock, newId };
    return {
      seconds: await restoreFiles({ ...work, home: this.#option('home'), target: this.#option('target') }),
    };
  }
}

async function run(values: EngineOptions): Promise<void> {
  const beganAt = performance.now();
  const facts = await new Engine(values).run();
  const engineMs = Math.round(performance.now() - beganAt);
  const rssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`${JSON.stringify({ engineMs, rssMiB, ...facts })}\n`);
}

// As the agent does.
tuneV8();
if (given['action'] === 'serve') {
  for await (const line of createInterface(process.stdin)) await run(engineOptionsShape.parse(JSON.parse(line)));
} else await run(given);
