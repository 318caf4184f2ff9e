import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { ChangedPagesSource } from '#core/changed/changed-pages.ts';
import { bug } from '#core/errors/fail.ts';
import { setPrefix } from '#core/format/object-key.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { mergeSet } from '#agent/merge/merge-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import {
  contentOf,
  differences,
  differingFiles,
  incrementalOrder,
  restoreFiles,
  startRestored,
} from '#tests/support/chain.ts';
import type { Draw } from '#tests/support/chain-workload.ts';
import { drawFrom, prepareWorkload, work } from '#tests/support/chain-workload.ts';
import { prepareLoad, startLoad } from '#tests/support/load.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

export interface ChainStory {
  readonly major: Major;
  readonly seed: number;
  readonly rounds: number;
  readonly hasChecksums: boolean;
  /** With a passphrase the pool is encrypted. */
  readonly isEncrypted: boolean;
}

interface Stage {
  readonly story: ChainStory;
  readonly draw: Draw;
  readonly postgres: Postgres;
  readonly bench: BackupBench;
  readonly access: InstanceAccess;
  readonly sets: SetSummary[];
  /** What happened so far, for the message of a failure. */
  readonly diary: string[];
}

/**
 * A random story of one cluster: work of every kind, crashes, and incrementals from every source and of every type. Every set
 * must give back, page by page, what a full taken right after it holds, and recover to the same content.
 */
export async function tellStory(story: ChainStory): Promise<readonly string[]> {
  const config = ['autovacuum = off', ...(story.major >= 17 ? ['summarize_wal = on'] : [])];
  const { major, hasChecksums } = story;
  const postgres = await openPostgres({ major, archive: true, config, hasChecksums, isClosed: true });
  const bench = await openBackupBench(story.isEncrypted ? { passphrase: 'a chain of sets' } : {});
  const diary: string[] = [`seed ${String(story.seed)}`];
  try {
    await postgres.start();
    await prepareWorkload(postgres);
    await prepareLoad(postgres);
    const access = await instanceAccess(postgres);
    const stage: Stage = { story, draw: drawFrom(story.seed), postgres, bench, access, sets: [], diary };
    stage.sets.push(await takeFull(stage));
    for (let round = 0; round < story.rounds; round++) await playRound(stage, round);
    await mergeChain(stage);
    return diary;
  } catch (error) {
    throw bug(diary.join('\n'), error);
  } finally {
    bench.close();
    await postgres.close();
  }
}

const options = ({ postgres }: Stage) => ({ archiveDirectory: postgres.archiveDirectory });

async function takeFull(stage: Stage): Promise<SetSummary> {
  const order = stage.bench.order(stage.access, options(stage));
  return stage.bench.takeFullBackup(order, stage.bench.step(order));
}

const sources: readonly ChangedPagesSource[] = ['wal-summary', 'log', 'page-lsn', 'content-hash'];

/** Each source has its turn; the type and the base are left to chance. */
async function takeIncremental(stage: Stage, round: number): Promise<SetSummary> {
  const { draw, bench, access, sets, diary, story } = stage;
  const usable = sources.filter(
    (each) => (each !== 'wal-summary' || story.major >= 17) && (each !== 'page-lsn' || story.hasChecksums),
  );
  const source = usable[(story.seed + round) % usable.length] ?? 'content-hash';
  const wanted = draw(3) === 0 ? 'cumulative' : 'differential';
  const summary = (wanted === 'cumulative' ? sets[0] : sets.at(-1)) ?? expect.unreachable();
  const order = incrementalOrder(bench, access, { summary, wanted, source }, options(stage));
  const set = await bench.takeFullBackup(order, bench.step(order));
  diary.push(`${set.setId} ${wanted} from ${source}: ${String(set.storedBytes)} of ${String(set.rawBytes)} bytes`);
  expect(set).toMatchObject({ type: wanted, warnings: [], base: { setId: summary.setId, changedPages: source } });
  return set;
}

async function playRound(stage: Stage, round: number): Promise<void> {
  const { draw, postgres, bench, sets, diary } = stage;
  diary.push(...(await work(postgres, draw, 3 + draw(5))));
  if (draw(4) === 0) {
    diary.push('crash');
    await postgres.kill();
    await postgres.start();
  }
  // What changes while a base is copied must be in the set above it, which the next round compares.
  const isBusy = round % 4 === 0;
  const load = isBusy ? await startLoad(postgres) : undefined;
  const set = await takeIncremental(stage, round).finally(() => load?.stop());
  sets.push(set);
  const restored = await restoreFiles(bench, set.setId, `restored-${String(round)}`);
  const read = (path: string): Promise<Uint8Array | undefined> => {
    const file = join(restored.dataDirectory, path);
    return Promise.resolve(existsSync(file) ? readFileSync(file) : undefined);
  };
  if (!isBusy) expect(await differences(bench, read, set, (await takeFull(stage)).setId)).toEqual([]);
  await checkContent(stage, restored, isBusy);
}

const indexesAreSound = `select count(bt_index_check(c.oid, true)) from pg_index i join pg_class c on c.oid = i.indexrelid
  where c.relam = (select oid from pg_am where amname = 'btree') and c.relpersistence = 'p' and i.indisvalid`;

async function checkContent(
  { postgres, bench, sets }: Stage,
  restored: Parameters<typeof startRestored>[0],
  isBusy: boolean,
): Promise<void> {
  const server = await startRestored(restored, postgres);
  try {
    if (!isBusy) {
      const [here, there] = [server, postgres].map((one) => contentOf((database) => one.connect(database)));
      expect(await here).toEqual(await there);
    }
    const client = await server.connect();
    await client.query('create extension amcheck');
    await client.query(indexesAreSound);
    const { rows } = await client.query('select sum(balance)::text as sum, count(*)::int as n from account');
    expect(rows).toEqual([{ sum: '20000000', n: 20000 }]);
    await client.end();
  } finally {
    await server.close();
  }
  const set = sets[sets.length - 1] ?? expect.unreachable();
  const pool = await bench.openPool();
  expect(await verifySet(pool, set.setId, 'page', bench.step(bench.order(noAccess(set))))).toMatchObject({
    damage: [],
  });
  await pool.close();
}

/** A full that is made of the chain in the pool restores to the same bytes, and the next incremental builds on it alone. */
async function mergeChain(stage: Stage): Promise<void> {
  const { bench, access, sets, postgres, draw, diary } = stage;
  const last = sets[sets.length - 1] ?? expect.unreachable();
  const order = { ...bench.order(noAccess(last)), kind: 'merge-set' as const, from: last.setId };
  const merge = mergeSet({ home: bench.home, newId: newTestId, toolVersion: '0' });
  const head = { ...order, compression: { mode: 'fast' as const }, channels: 2, limits: {} };
  const merged = await merge(head, bench.step(bench.order(noAccess(last)), { runId: order.runId }));
  diary.push(`${merged.setId} merged: ${String(merged.storedBytes)} bytes`);
  const [own, theirs] = [
    await restoreFiles(bench, merged.setId, 'merged'),
    await restoreFiles(bench, last.setId, 'again'),
  ];
  expect(differingFiles(own, theirs)).toBe('');
  const pool = await bench.openPool();
  const keys: ObjectKey[] = [];
  for (const { setId } of sets) for await (const { key } of pool.store.list(setPrefix(setId))) keys.push(key);
  await pool.store.remove(keys);
  await pool.close();
  diary.push(...(await work(postgres, draw, 3)));
  const next = incrementalOrder(bench, access, { summary: merged, wanted: 'cumulative' }, options(stage));
  const top = await bench.takeFullBackup(next, bench.step(next));
  sets.push(top);
  expect(top).toMatchObject({ type: 'cumulative', warnings: [], base: { setId: merged.setId } });
  await checkContent(stage, await restoreFiles(bench, top.setId, 'on-merged'), false);
}

const noAccess = ({ resourceId, engine, systemId }: SetSummary): InstanceAccess => ({
  ...{ resourceId, engine, systemId, dataDirectory: '', socket: '', port: 0 },
});
