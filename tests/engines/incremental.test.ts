import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BaseOfBackup, InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { SetMeta } from '#core/format/meta.ts';
import { baseFrame } from '#core/format/meta.ts';
import { pieceKey, setMetaKey } from '#core/format/object-key.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { contentOf, incrementalOrder, restoreFiles, startRestored } from '#tests/support/chain.ts';
import { acknowledgedByKilled } from '#tests/support/killed-backup.ts';
import { materialise } from '#tests/support/materialise.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';

const mebibyte = 1_048_576;
/** Rows that do not compress. */
const noise = `insert into noise select g, (select string_agg(decode(md5(random()::text || g || i), 'hex'), '') from generate_series(1, 64) i) from generate_series(1, 24000) g`;

let postgres: Postgres;
let access: InstanceAccess;
let bench: BackupBench;
let full: SetSummary;

const options = (): { archiveDirectory: string } => ({ archiveDirectory: postgres.archiveDirectory });
async function take(order: OrderOf<'full-backup'>): Promise<SetSummary> {
  bench.reports.length = 0;
  return bench.takeFullBackup(order, bench.step(order));
}
const incremental = (
  summary: SetSummary,
  changes: Partial<BaseOfBackup> = {},
  instance = access,
): Promise<SetSummary> =>
  take(incrementalOrder(bench, instance, { summary, wanted: 'differential', ...changes }, options()));
const inPool = (key: string): string => join(bench.folder, 'pool', key);
const bytesRead = (): number => bench.reports[bench.reports.length - 1]?.bytesRead ?? 0;

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true, config: ['autovacuum = off'] });
  await postgres.sql('create table noise (n int, body bytea)');
  await postgres.sql('alter table noise alter column body set storage external');
  await postgres.sql(noise);
  await postgres.sql('create table small as select g from generate_series(1, 1000) g');
  await postgres.sql('vacuum');
  access = await instanceAccess(postgres);
  bench = await openBackupBench();
  full = await take(bench.order(access, options()));
});
afterAll(async () => {
  bench.close();
  await postgres.close();
});

interface StoredExtent {
  readonly attempt: string | undefined;
  /** Path, offset and hash. */
  readonly name: string;
  readonly length: number;
}

/** Extents that the set itself stores, with the attempt that stored them. */
function storedExtents({ members, frames, pieces }: SetMeta): readonly StoredExtent[] {
  return members.flatMap((member) => {
    let from = 0;
    return (member.kind === 'file' ? member.extents : []).flatMap(({ frame, length, hash }) => {
      from += length;
      const attempt = pieces[frames[frame]?.pieceIndex ?? -1]?.attempt;
      return frame < 0 ? [] : [{ attempt, length, name: `${member.path} ${String(from - length)} ${hash}` }];
    });
  });
}

describe('what an incremental costs', () => {
  test('D-023 stores almost nothing when nothing changed, and reads little with a list of blocks', async () => {
    const set = await incremental(full, { source: 'log' });
    expect(set).toMatchObject({ type: 'differential', warnings: [], base: { setId: full.setId, changedPages: 'log' } });
    expect(set.storedBytes).toBeLessThan(mebibyte / 4);
    expect(bytesRead()).toBeLessThan(full.rawBytes / 3);
  });

  test('D-023 reads and stores in proportion to what changed', async () => {
    await postgres.sql('update noise set n = n + 1 where n % 100 = 0');
    const listed = await incremental(full, { source: 'log' });
    const readByList = bytesRead();
    const scanned = await incremental(full, { source: 'page-lsn' });
    expect(bytesRead()).toBeGreaterThan(2 * readByList);
    for (const set of [listed, scanned]) expect(set.storedBytes).toBeLessThan(full.storedBytes / 4);
    expect(listed.rawBytes).toBe(scanned.rawBytes);
  });
});

test('K-089 a restore of a chain fetches of a base only what is still needed of it', async () => {
  await postgres.sql('vacuum full noise');
  const set = await incremental(full);
  expect(set.storedBytes).toBeGreaterThan(full.storedBytes / 2);
  bench.reports.length = 0;
  const restored = await startRestored(await restoreFiles(bench, set.setId, 'rewritten'), postgres);
  expect(bytesRead()).toBeLessThan(set.storedBytes + full.storedBytes / 4);
  const [here, there] = [restored, postgres].map((one) => contentOf((database) => one.connect(database)));
  expect(await here).toEqual(await there);
  await restored.close();
});

describe('a base that cannot be used', () => {
  /** Damages the pool, takes the incremental, repairs the pool. */
  async function withDamaged(key: string, damage: (path: string) => void): Promise<SetSummary> {
    const path = inPool(key);
    const bytes = readFileSync(path);
    damage(path);
    try {
      return await incremental(full);
    } finally {
      writeFileSync(path, bytes);
    }
  }
  const flip = (path: string): void => {
    const bytes = readFileSync(path);
    bytes[90] = (bytes[90] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  };
  const expectFull = (set: SetSummary, why: RegExp): void => {
    expect(set).toMatchObject({
      type: 'full',
      warnings: [{ code: 'became_full', detail: expect.stringMatching(why) as string }],
    });
    expect(set.base).toBeUndefined();
  };

  test('K-048 makes a full that says why: its metadata is gone, or damaged, or a piece of it is gone', async () => {
    expectFull(await withDamaged(setMetaKey(full.setId), rmSync), /holds no committed backup set/);
    expectFull(await withDamaged(setMetaKey(full.setId), flip), /damaged/);
    expectFull(await withDamaged(pieceKey(full.setId, full.attemptId, 1), rmSync), /object_missing/);
  });

  test('D-025 a cumulative on an incremental becomes a full', async () => {
    const differential = await incremental(full);
    expectFull(await incremental(differential, { wanted: 'cumulative' }), /D-025/);
    expect(await incremental(full, { wanted: 'cumulative' })).toMatchObject({ type: 'cumulative', warnings: [] });
  });

  test('K-048 a base of another instance becomes a full', async () => {
    const other = await openPostgres({ major: 15, archive: true });
    try {
      const instance = await instanceAccess(other);
      const order = incrementalOrder(
        bench,
        instance,
        { summary: full, wanted: 'differential' },
        { archiveDirectory: other.archiveDirectory },
      );
      expectFull(await take(order), /its system id is/);
    } finally {
      await other.close();
    }
  });

  test('D-023 a base on an ancestor is used up to where its timeline was left, and not beyond', async () => {
    const settings = ['archive_mode = on', `archive_command = 'true'`];
    const copy = await materialise(bench, full.setId, postgres, { isStandby: true, settings });
    try {
      await copy.sql('select pg_promote()');
      await postgres.sql('insert into small select generate_series(1, 100)');
      const abandoned = await incremental(full);
      const instance = await instanceAccess(postgres, {
        dataDirectory: copy.dataDirectory,
        socket: copy.socketDirectory,
      });
      await copy.sql('insert into small select generate_series(1, 7)');
      const promoted = await incremental(full, { source: 'page-lsn' }, instance);
      expect(promoted).toMatchObject({ type: 'differential', timeline: 2, base: { setId: full.setId }, warnings: [] });
      expectFull(await incremental(abandoned, {}, instance), /where timeline 1 was left: that log was abandoned/);
      const restored = await startRestored(await restoreFiles(bench, promoted.setId, 'promoted'), postgres);
      const client = await restored.connect();
      expect((await client.query('select count(*)::int as n from small')).rows).toEqual([{ n: 1007 }]);
      await client.end();
      await restored.close();
    } finally {
      await copy.close();
    }
  });
});

test('D-023 damage that the base recorded is looked at again: repaired pages are good in the incremental', async () => {
  const [row] = await postgres.sql(`select pg_relation_filepath('small') as path`);
  const path = String(row?.['path']);
  const file = join(postgres.dataDirectory, path);
  await postgres.stop();
  const good = readFileSync(file);
  const bad = Buffer.from(good);
  bad.fill(1, 4000, 4010);
  writeFileSync(file, bad);
  await postgres.start();
  const damaged = await incremental(full, { source: 'page-lsn' });
  expect(damaged.warnings).toEqual([{ code: 'page_damaged', detail: `${path}: page checksum wrong in block 0` }]);
  const still = await incremental(damaged, { source: 'log' });
  expect(still.warnings).toEqual(damaged.warnings);
  await postgres.stop();
  writeFileSync(file, good);
  await postgres.start();
  const repaired = await incremental(still, { source: 'log' });
  expect(repaired.warnings).toEqual([]);
  const set = await openSet(await bench.openPool(), repaired.setId);
  expect(Buffer.from(await set.readMember(path)).equals(good)).toBe(true);
});

test('K-110 an incremental killed in the middle finishes the same set and sends nothing acknowledged again', async () => {
  await postgres.sql('update noise set n = n + 1 where n % 2 = 0');
  const limits = { transferBytesPerSecond: 8 * mebibyte };
  const order = incrementalOrder(
    bench,
    access,
    { summary: full, wanted: 'differential', source: 'log' },
    { ...options(), limits },
  );
  const acknowledged = await acknowledgedByKilled(bench.home, order);
  // More changes between the attempts: the list of blocks is another one.
  await postgres.sql('update small set g = g + 1');

  const set = await take({ ...order, options: { ...order.options, limits: {} } });
  expect(set).toMatchObject({ setId: order.setId, type: 'differential', warnings: [] });
  const pool = await bench.openPool();
  const { meta } = await openSet(pool, set.setId);
  const killed = acknowledged[0]?.piece.attempt;
  const extents = acknowledged.flatMap((piece) => piece.extents);
  const held = new Map(extents.map((e) => [`${e.path} ${String(e.from)} ${e.hash}`, e.length]));
  const stored = storedExtents(meta);
  const bytesOf = (all: readonly StoredExtent[]): number => all.reduce((sum, { length }) => sum + length, 0);
  const reused = bytesOf(stored.filter(({ attempt }) => attempt === killed));
  const again = bytesOf(stored.filter(({ attempt, name }) => attempt !== killed && held.has(name)));
  expect(again).toBe(0);
  expect(reused).toBeGreaterThan(2 * mebibyte);
  expect(reused).toBe([...held.values()].reduce((sum, length) => sum + length, 0));
  expect(await verifySet(pool, set.setId, 'full', bench.step(order))).toMatchObject({ damage: [] });
  const restored = await startRestored(await restoreFiles(bench, set.setId, 'killed'), postgres);
  const [here, there] = [restored, postgres].map((one) => contentOf((database) => one.connect(database)));
  expect(await here).toEqual(await there);
  await restored.close();
});

describe('another cluster', () => {
  let other: Postgres;
  const order = async (summary?: SetSummary): Promise<OrderOf<'full-backup'>> => {
    const instance = await instanceAccess(other);
    const archive = { archiveDirectory: other.archiveDirectory };
    if (summary === undefined) return bench.order(instance, archive);
    return incrementalOrder(bench, instance, { summary, wanted: 'differential', source: 'page-lsn' }, archive);
  };
  beforeAll(async () => {
    other = await openPostgres({ major: 15, archive: true, config: ['autovacuum = off'] });
  });
  afterAll(async () => {
    await other.close();
  });

  test('D-023 configuration from outside the data directory is part of every set, stored once', async () => {
    const outside = join(other.folder, 'outside.conf');
    const content = readFileSync(join(other.dataDirectory, 'pg_hba.conf'));
    writeFileSync(outside, content);
    giveToUnprivileged(outside);
    await other.sql(`alter system set hba_file = '${outside}'`);
    await other.stop();
    rmSync(join(other.dataDirectory, 'pg_hba.conf'));
    await other.start();
    const set = await take(await order(await take(await order())));
    const { meta } = await openSet(await bench.openPool(), set.setId);
    const extents = [{ frame: baseFrame, offset: 0, length: content.length, hash: '' }];
    expect(meta.members).toContainEqual(expect.objectContaining({ path: 'pg_hba.conf', origin: outside, extents }));
    const { dataDirectory } = await restoreFiles(bench, set.setId, 'outside');
    expect(readFileSync(join(dataDirectory, 'pg_hba.conf')).equals(content)).toBe(true);
  });

  test('D-019 a cluster that was put back to before its base gives a full', async () => {
    await other.stop();
    const saved = join(other.folder, 'saved');
    cpSync(other.dataDirectory, saved, { recursive: true, preserveTimestamps: true });
    await other.start();
    for (let i = 0; i < 3; i++) await other.sql(`create table t${String(i)} as select 1; select pg_switch_wal()`);
    const later = await take(await order());
    await other.stop();
    rmSync(other.dataDirectory, { recursive: true });
    cpSync(saved, other.dataDirectory, { recursive: true, preserveTimestamps: true });
    for (const name of readdirSync(other.dataDirectory, { recursive: true, encoding: 'utf8' }))
      giveToUnprivileged(join(other.dataDirectory, name));
    giveToUnprivileged(other.dataDirectory);
    await other.start();
    const set = await take(await order(later));
    expect(set).toMatchObject({ type: 'full', warnings: [{ code: 'became_full' }] });
    expect(set.warnings[0]?.detail).toMatch(/was put back to an earlier state/);
    // Once it has written past the end of that base, its position says nothing any more; its log does.
    for (const name of readdirSync(other.archiveDirectory)) rmSync(join(other.archiveDirectory, name));
    await other.sql('create table again (n int)');
    const isPast = async (): Promise<unknown> =>
      (await other.sql(`select pg_current_wal_lsn() > '${later.endLsn}' as is_past`))[0]?.['is_past'];
    while ((await isPast()) !== true) await other.sql('insert into again values (1); select pg_switch_wal()');
    const past = await take(await order(later));
    expect(past).toMatchObject({ type: 'full', warnings: [{ code: 'became_full' }] });
    expect(past.warnings[0]?.detail).toMatch(/the log that the instance has now up to .* is another one/);
    expect(await take(await order(past))).toMatchObject({ type: 'differential', warnings: [] });
  });
});
