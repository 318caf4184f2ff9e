import { randomBytes } from 'node:crypto';
import type { OrderOf } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { probeKey } from '#core/format/object-key.ts';
import { formatId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { AgentChannel, FoundInPool, HostWork } from '#core/ports/host-work.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { StepContext } from '#core/ports/step.ts';
import { takeFullBackup } from '#agent/backup/take-full-backup.ts';
import { careForPool } from '#agent/care/care-for-pool.ts';
import { listMarks, putMark } from '#agent/care/marks.ts';
import { readTruncations } from '#agent/care/truncation.ts';
import { discover, discoverPrograms } from '#agent/database/discover.ts';
import { logDirectoriesOf } from '#agent/database/log-directories.ts';
import { checkLogin } from '#agent/database/login.ts';
import { preflight } from '#agent/database/preflight.ts';
import { extractSet } from '#agent/extract/extract-set.ts';
import { askTarget } from '#agent/drill/drill-target.ts';
import { runDrill } from '#agent/drill/run-drill.ts';
import { tryCanary } from '#agent/drill/write-canary.ts';
import { lookAtLogPlace } from '#agent/log-restore/look-at-log-place.ts';
import { restoreLog } from '#agent/log-restore/restore-log.ts';
import { listLogicalSets } from '#agent/logical/list-logical-sets.ts';
import { careForLogicalSets } from '#agent/logical/logical-care.ts';
import { lookForNames } from '#agent/contents/look-for-names.ts';
import { lookAtTree } from '#agent/logical/look-at-tree.ts';
import { takeLogicalBackup } from '#agent/logical/take-logical-backup.ts';
import { mergeSet } from '#agent/merge/merge-set.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { kitFacts } from '#agent/pools/kit-facts.ts';
import { openPoolOfStep } from '#agent/pools/pool-of-step.ts';
import { patienceOf } from '#agent/pools/retry.ts';
import { rotateKey } from '#agent/pools/rotate-key.ts';
import { copyPool } from '#agent/replica/copy-pool.ts';
import { lookAtOwner } from '#agent/restore/place/look-at-owner.ts';
import { lookAtPlace, lookAtScratch } from '#agent/restore/place/look-at-place.ts';
import { restore } from '#agent/restore/restore.ts';
import { listSets } from '#agent/sets/list-sets.ts';
import { lookIntoSet } from '#agent/sets/look-into-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { streamLog } from '#agent/stream/stream-log.ts';
import { restoreLogicalSet } from '#agent/logical/restore-set.ts';
import { recoverDatabases } from '#agent/transfer/recover-databases.ts';
import { settleTransfer } from '#agent/transfer/swap/settle-transfer.ts';
import type { BranchPlace } from '#agent/wal/committed-log.ts';
import { readBatches } from '#agent/wal/committed-log.ts';
import { neededLogOf } from '#agent/wal/needed-log.ts';
import { takeLogBackup } from '#agent/wal/take-log-backup.ts';

export interface HostWorkParts {
  readonly home: string;
  readonly clock: Clock;
  readonly channel: AgentChannel;
  readonly version: string;
  /** Directories with PostgreSQL programs to look in first. */
  readonly programs: readonly string[];
  /** Directories below which closed instances are looked for. */
  readonly roots: readonly string[];
  /** Account that owns a restored copy when the agent is root. */
  readonly account: string;
  /** Where scratch instances lie; below `home` when absent. */
  readonly scratch?: string | undefined;
}

/** All adapters of this host behind the one port that the activities know. */
export function openHostWork(parts: HostWorkParts): HostWork {
  const { home, clock } = parts;
  const newId = idsBy(clock);
  const neededLog = neededLogOf(parts.channel);
  const places = { roots: parts.roots, processes: '/proc' };
  const logDirectories = async (): Promise<readonly string[]> => logDirectoriesOf(await discover(places));
  const restoring = {
    ...{ home, clock, newId, channel: parts.channel, logDirectories, account: parts.account, root: parts.scratch },
    programs: () => Promise.resolve([...parts.programs, ...discoverPrograms(places)]),
  };
  return {
    takeFullBackup: takeFullBackup({ home, clock, newId, neededLog, toolVersion: parts.version }),
    streamLog: streamLog({ home, clock, newId, channel: parts.channel }),
    takeLogBackup: takeLogBackup({ clock, newId, neededLog, channel: parts.channel }),
    restore: restore(restoring),
    recoverDatabases: recoverDatabases(restoring),
    restoreLogicalSet: restoreLogicalSet(restoring),
    settleTransfer: settleTransfer(),
    verifySet: async (order, step) => {
      const pool = await openPoolOfStep(order.pool, step, clock);
      try {
        return await verifySet({ ...pool, access: order.pool }, order.setId, order.depth, step);
      } finally {
        await pool.close();
      }
    },
    extractSet: extractSet({ clock, logDirectories }),
    runDrill: runDrill(restoring),
    restoreLog: restoreLog({ home, clock, logDirectories, account: parts.account }),
    takeLogicalBackup: takeLogicalBackup({
      ...{ home, clock, newId, toolVersion: parts.version, programs: restoring.programs },
    }),
    careForLogicalSets: careForLogicalSets({ clock, channel: parts.channel }),
    lookAtTree,
    lookForNames,
    mergeSet: mergeSet({ home, newId, toolVersion: parts.version }),
    readPool,
    copyPool: copyPool({ clock, newId }),
    careForPool: careForPool({ home, clock, newId, channel: parts.channel }),
    markSet: ({ pool, mark }) => withPool(pool, async (opened) => ({ marks: (await putMark(opened, mark)).marks })),
    discover: () => discover(places),
    preflight,
    checkLogin: ({ instance }) => checkLogin(instance),
    lookAtPlace: async (asked) =>
      asked.isOfLog === true
        ? lookAtLogPlace(asked, { logDirectories: await logDirectories(), account: parts.account })
        : [...lookAtPlace(asked, await logDirectories()), lookAtOwner(asked, parts.account)],
    lookAtScratch: ({ bytes }) => Promise.resolve(lookAtScratch({ home, root: parts.scratch }, bytes)),
    tryCanary: ({ instance, canary }) => tryCanary(instance, canary),
    askTarget,
    createPool: async ({ pool }) => createPool(pool, clock, await logDirectories()),
    testPool: ({ pool }) => withPool(pool, (opened) => testPool(opened, newId)),
    rotateKey: ({ pool }) => rotateKey(pool, clock),
    kitFacts: ({ pool }) => kitFacts(pool),
    lookIntoSet: (asked) => withPool(asked.pool, (pool) => lookIntoSet(pool, asked)),
  };
}

const idsBy =
  (clock: Clock): IdSource =>
  (prefix) =>
    formatId(prefix, clock.nowMs(), randomBytes(10));

async function withPool<T>(access: PoolAccess, use: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = await openPool(access);
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
}

/** Writes, reads and removes an object that is no part of anything (docs/format.md §2). */
async function testPool(pool: Pool, newId: IdSource): Promise<{ readonly freeBytes?: number }> {
  const key = probeKey(newId('set'));
  const body = randomBytes(4096);
  await pool.store.putIfAbsent(key, body);
  await pool.store.barrier();
  const back = await pool.store.get(key);
  await pool.store.remove([key]);
  if (!body.equals(back))
    throw fail('object_damaged', { pool: pool.name, object: key, what: 'a probe came back changed' });
  const freeBytes = await pool.store.freeBytes();
  return freeBytes === undefined ? {} : { freeBytes };
}

/** Sets and batches that cannot be read do not hide the others; each is named in the log of the run. */
async function* readPool(order: OrderOf<'rebuild'>, step: StepContext): AsyncIterable<FoundInPool> {
  const pool = await openPool(order.pool, patienceOf(step));
  try {
    for await (const found of listSets(pool)) {
      step.signal.throwIfAborted();
      if ('summary' in found) yield { kind: 'set', set: found.summary };
      else step.log({ level: 'error', message: `${found.setId} is left out: ${found.error.message}` });
    }
    for await (const found of listLogicalSets(pool)) {
      step.signal.throwIfAborted();
      if ('summary' in found) yield { kind: 'logical-set', set: found.summary };
      else step.log({ level: 'error', message: `${found.setId} is left out: ${found.error.message}` });
    }
    const tell = ({ message }: HoldfastError): void => {
      step.log({ level: 'error', message });
    };
    const branches = new Map<string, BranchPlace>();
    for await (const batch of readBatches(pool, tell)) {
      const { systemId, branchId } = batch;
      branches.set(`${systemId}/${branchId}`, { systemId, branchId });
      yield { kind: 'batch', batch };
    }
    for (const branch of branches.values())
      // Names of deleted segments stay in the pool: the catalog has no use for them, and they may be many.
      for (const note of await readTruncations(pool, branch, tell))
        yield { kind: 'truncation', note: { ...note, segments: [] } };
    for await (const { marks, unreadable } of listMarks(pool)) {
      unreadable.forEach(tell);
      for (const mark of marks) yield { kind: 'mark', mark };
    }
  } finally {
    await pool.close();
  }
}
