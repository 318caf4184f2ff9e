import { join } from 'node:path';
import { bug, fail } from '#core/errors/fail.ts';
import type { ChangedPagesSource } from '#core/changed/changed-pages.ts';
import { setPrefix } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import { productVersion } from '#core/version.ts';
import type { BenchCluster } from './cluster.ts';
import type { Contender, Measured } from './contender.ts';
import { bytesBelow, emptyFiles } from './contender.ts';
import type { Engine } from './engine.ts';
import { newId, openEngine } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';

/** Flags of the engine child for a cluster. */
export const instanceOptions = (cluster: BenchCluster): EngineOptions => ({
  ...{ data: cluster.dataDirectory, socket: cluster.socket, port: String(cluster.port) },
  ...{ 'system-id': cluster.systemId, 'password-file': cluster.passwordFile, archive: cluster.archiveDirectory },
});

/** How our contender works: with the source named, or the best there is, and then with log backups beside. */
export interface HoldfastWays {
  readonly channels?: number;
  readonly source?: ChangedPagesSource;
  /** Name of its home below the folder of the cluster. */
  readonly folder?: string;
}

/** Our engine as a child process: pool on the same disk, two channels, zstd as `fast` has it, page checksums, log in the set. */
export async function openHoldfast(cluster: BenchCluster, ways: HoldfastWays = {}): Promise<Contender> {
  const name = ways.source === undefined ? 'holdfast' : `holdfast ${ways.source}`;
  const home = join(cluster.folder, ways.folder ?? name.replace(' ', '-'));
  return new Holdfast(cluster, { name, home, ways, engine: await openEngine(home) });
}

/** Name of the one that stays. */
export const agentName = 'holdfast agent';

/**
 * Opens the same engine in one process that does everything, as an agent does: nothing starts, nothing is loaded and compiled
 * anew for a backup. It answers for incrementals only, where that counts.
 */
export async function withAgent<T>(cluster: BenchCluster, use: (agent: Contender) => Promise<T>): Promise<T> {
  const home = join(cluster.folder, 'holdfast-agent');
  const engine = await openEngine(home, 'stays');
  const all = new Holdfast(cluster, { name: agentName, home, ways: {}, engine });
  const { name, version, options } = all;
  const agent: Contender = {
    ...{ name, version, options: `${options}, in a process that stays` },
    full: () => all.full(),
    incremental: () => all.incremental(),
    keepUp: () => all.keepUp(),
  };
  try {
    return await use(agent);
  } finally {
    await engine.close();
  }
}

interface Parts {
  readonly name: string;
  readonly home: string;
  readonly ways: HoldfastWays;
  readonly engine: Engine;
}

class Holdfast implements Contender {
  readonly name: string;
  readonly version = productVersion;
  readonly options: string;
  readonly #cluster: BenchCluster;
  readonly #parts: Parts;
  #full: SetId | undefined;
  #latest: SetId | undefined;

  constructor(cluster: BenchCluster, parts: Parts) {
    const { channels = 2, source } = parts.ways;
    const pages = source === undefined ? 'changed pages from the best source' : `changed pages from ${source}`;
    this.name = parts.name;
    this.options = `engine alone, ${String(channels)} channels, zstd as "fast", page checksums, log in the set, ${pages}`;
    this.#cluster = cluster;
    this.#parts = parts;
  }

  async full(): Promise<Measured> {
    const setId = newId('set');
    const measured = await this.#backUp(setId, {});
    this.#full = setId;
    return measured;
  }

  async incremental(): Promise<Measured> {
    if (this.#full === undefined) throw bug('there is no full to build on yet');
    const { source } = this.#parts.ways;
    return this.#backUp(newId('set'), { base: this.#full, ...(source === undefined ? {} : { source }) });
  }

  async restore(round: number): Promise<Measured> {
    if (this.#latest === undefined) throw bug('nothing to restore yet');
    const target = join(this.#parts.home, `restored-${String(round)}-${this.#latest}`);
    const { ms, engineMs, rssMiB } = await this.#run({ action: 'restore', 'set-id': this.#latest, target });
    emptyFiles(target);
    return { ms, engineMs, rssMiB };
  }

  async keepUp(): Promise<void> {
    await this.#run({ action: 'log', ...instanceOptions(this.#cluster) });
  }

  async #backUp(setId: SetId, more: EngineOptions): Promise<Measured> {
    const options = { action: 'full', ...instanceOptions(this.#cluster), 'set-id': setId, ...more };
    const { ms, engineMs, rssMiB, type } = await this.#run(options);
    if (more.base !== undefined && type !== 'cumulative')
      throw fail('bench_not_comparable', { contender: this.name, why: 'its incremental became a full' });
    this.#latest = setId;
    return { ms, engineMs, rssMiB, storedBytes: bytesBelow(join(this.#parts.engine.poolDirectory, setPrefix(setId))) };
  }

  #run(options: EngineOptions): ReturnType<Engine['run']> {
    const { channels = 2 } = this.#parts.ways;
    return this.#parts.engine.run({ channels: String(channels), ...options });
  }
}
