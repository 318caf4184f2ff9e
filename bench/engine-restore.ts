import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { Stopwatch } from '#agent/restore/stopwatch.ts';
import { writeTarget } from '#agent/restore/write/write-target.ts';
import { openSet } from '#agent/sets/open-set.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { HostId, RunId, SetId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';

/** What a restore of files by the engine alone is told. */
export interface FilesRestore {
  readonly home: string;
  readonly pool: PoolAccess;
  readonly setId: SetId;
  readonly target: string;
  readonly channels: number;
  readonly runId: RunId;
  readonly hostId: HostId;
  readonly step: StepContext;
  readonly clock: Clock;
  readonly newId: IdSource;
}

/** Everything up to the last fsync of a data directory that is ready to recover, as a restore does it before the server starts. */
export async function restoreFiles(asked: FilesRestore): Promise<Readonly<Record<string, number>>> {
  const { home, setId, clock, newId, step, runId, hostId, channels } = asked;
  const opened = await openPool(asked.pool);
  const summary = await summaryOf(opened, setId);
  const place: RestorePlan['place'] = { kind: 'copy', directory: asked.target };
  const plan: RestorePlan = {
    ...{ setId, systemId: summary.systemId, engine: summary.engine, segmentBytes: summary.segmentBytes },
    ...{ serverMajor: Math.floor(summary.serverVersion / 10_000), rawBytes: summary.rawBytes, place, steps: [] },
    ...{ timeline: summary.timeline, mustReach: summary.endLsn, segments: [], histories: {}, tablespaceMap: {} },
    asked: { at: 'immediate' },
    setting: { at: 'immediate' },
    isOpenedAfter: false,
    ...{ chain: [], fetchBytes: summary.storedBytes },
  };
  const deps = {
    ...{ home, clock, newId, channel: { putBatch: () => Promise.resolve() }, account: 'postgres' },
    programs: () => Promise.resolve([]),
    logDirectories: () => Promise.resolve([]),
  };
  const order = { kind: 'restore', runId, hostId, pool: asked.pool, plan, limits: {}, channels } as const;
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const watch = new Stopwatch(clock);
  const work = { deps, order, step, pool: opened, programs: '', watch };
  const address = { port: 5432, socket: `${home}/socket` };
  await writeTarget(work, { owner, addressOf: () => address, beforeFinish: () => undefined });
  await opened.close();
  return watch.secondsByPhase();
}

/** In a function of its own: what it read must not stay in memory beside what the restore reads. */
async function summaryOf(pool: Pool, setId: SetId): Promise<SetSummary> {
  const set = await openSet(pool, setId);
  const { summary } = set.meta;
  await set.close();
  return summary;
}
