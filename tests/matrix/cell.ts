import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { expect } from 'vitest';
import type { BaseOfBackup, InstanceAccess } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { bug } from '#core/errors/fail.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import { mergeSet } from '#agent/merge/merge-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { newTestId } from '#tests/support/backup.ts';
import { contentOf, differences, differingFiles, restoreFiles } from '#tests/support/chain.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openVerifier } from '#tests/support/verifier.ts';

/** One combination of the matrix (issue 4 "Accepted when"). */
export interface Cell {
  readonly engine: string;
  readonly pool: 'local' | 's3';
  readonly isEncrypted: boolean;
  readonly hasChecksums: boolean;
}

/** An instance with its pool, ready to be backed up. */
export interface Ground {
  readonly postgres: Postgres;
  readonly instance: InstanceAccess;
  readonly bench: BackupBench;
  readonly restores: RestoreBench;
  /** Changes of many kinds, other ones each round. */
  change(round: number): Promise<unknown>;
  /** Connects to a database of what a restore left open. */
  connectTo(report: RestoreReport, database?: string): Promise<Client>;
  close(): Promise<void>;
}

/** What a cell proved, as it is committed. */
export interface Row extends Cell {
  readonly server: number;
  readonly sets: readonly string[];
  /** Stored bytes of the full and of its incrementals. */
  readonly storedBytes: readonly number[];
  readonly proofs: readonly string[];
  readonly seconds: number;
}

interface Play {
  readonly cell: Cell;
  readonly ground: Ground;
  readonly sets: SetSummary[];
  readonly proofs: string[];
}

const types = ['differential', 'differential', 'cumulative'] as const;

/** Full, three incrementals, log, a mistake, recovery to the point before it; every set equal to the source, page by page. */
export async function playCell(cell: Cell, ground: Ground): Promise<Row> {
  const began = performance.now();
  const play: Play = { cell, ground, sets: [], proofs: [] };
  await backUp(play);
  for (const [round, wanted] of types.entries()) {
    await ground.change(round);
    await incremental(play, round, wanted);
  }
  await recoverToPoint(play);
  await verifyBackup(play);
  await mergeChain(play);
  await verifyAll(play);
  const [full] = play.sets;
  if (full === undefined) throw bug('the full of a cell has gone');
  expect(full).toMatchObject({ hasChecksums: cell.hasChecksums, isEncrypted: cell.isEncrypted });
  return {
    ...cell,
    server: full.serverVersion,
    sets: play.sets.map(({ type, base }) => (base === undefined ? type : `${type} by ${base.changedPages}`)),
    storedBytes: play.sets.map(({ storedBytes }) => storedBytes),
    proofs: play.proofs,
    seconds: Math.round((performance.now() - began) / 100) / 10,
  };
}

async function backUp({ ground, sets }: Play, base?: BaseOfBackup): Promise<SetSummary> {
  const { bench, instance, postgres, restores } = ground;
  const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
  const set = await bench.takeFullBackup(base === undefined ? order : { ...order, base }, bench.step(order));
  sets.push(set);
  restores.sets.push(set);
  return set;
}

/** The set must hold, page by page, what a full right after it holds. */
async function incremental(play: Play, round: number, wanted: BaseOfBackup['wanted']): Promise<void> {
  const { ground, sets, proofs } = play;
  const { bench, instance, postgres } = ground;
  const summary = (wanted === 'cumulative' ? sets[0] : sets.at(-1)) ?? expect.unreachable();
  const set = await backUp(play, { summary, wanted });
  expect(set).toMatchObject({ type: wanted, warnings: [], base: { setId: summary.setId } });
  const restored = await restoreFiles(bench, set.setId, `restored-${String(round)}`);
  const read = (path: string): Promise<Uint8Array | undefined> => {
    const file = join(restored.dataDirectory, path);
    return Promise.resolve(existsSync(file) ? readFileSync(file) : undefined);
  };
  const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
  const full = await bench.takeFullBackup(order, bench.step(order));
  expect(await differences(bench, read, set, full.setId)).toEqual([]);
  if (round === 0) proofs.push('every incremental equals a full page by page');
}

/** Recovery to the point before a mistake, from the incrementals and the log, on a real server. */
async function recoverToPoint({ ground, proofs, sets }: Play): Promise<void> {
  const { bench, instance, postgres, restores } = ground;
  await ground.change(types.length);
  const expected = await contentOf((database) => postgres.connect(database));
  await postgres.sql("select pg_create_restore_point('before the mistake')");
  await ground.change(types.length + 1);
  await restores.backUpLog(instance, postgres.archiveDirectory);
  const directory = join(bench.folder, 'recovered');
  const newest = sets[sets.length - 1] ?? expect.unreachable();
  const tablespaceMap = Object.fromEntries(
    newest.tablespaces.map(({ oid }) => [String(oid), `${directory}-${String(oid)}`]),
  );
  const place = { kind: 'copy' as const, directory };
  const plan = restores.plan({ target: { at: 'name', name: 'before the mistake' }, place, tablespaceMap });
  expect(plan.setId).toBe(newest.setId);
  const report = await restores.restore(restores.order(plan));
  expect(await contentOf((database) => ground.connectTo(report, database))).toEqual(expected);
  proofs.push('recovery to a named point equals every row of the source');
  proofs.push(await checkIndexes((database) => ground.connectTo(report, database)));
  await restores.stop(directory);
}

const soundIndexes = `select count(bt_index_check(c.oid, true))::int as n from pg_index i join pg_class c on c.oid = i.indexrelid
  where c.relam = (select oid from pg_am where amname = 'btree') and c.relpersistence = 'p' and i.indisvalid`;

/** What `pg_amcheck` does with indexes, where the extension is there. */
async function checkIndexes(connect: (database?: string) => Promise<Client>): Promise<string> {
  const client = await connect();
  try {
    const { rows } = await client.query("select 1 from pg_available_extensions where name = 'amcheck'");
    if (rows.length === 0) return 'no amcheck in this server';
    await client.query('create extension if not exists amcheck');
    const found = await client.query<{ n: number }>(soundIndexes);
    expect(found.rows[0]?.n).toBeGreaterThan(0);
    return 'amcheck of every index and its heap';
  } finally {
    await client.end();
  }
}

/** Of 17 the program must be its own: its manifest is checked against a control file that only 17 lays out so. */
const canVerify = ({ major, dataDirectory }: Postgres): boolean =>
  major !== 17 && existsSync(join(dataDirectory, 'PG_VERSION'));

/** The newest set as files only, judged by the server's own program. */
async function verifyBackup({ ground, proofs, sets }: Play): Promise<void> {
  const { bench, postgres, restores } = ground;
  if (!canVerify(postgres)) return;
  const newest = sets[sets.length - 1] ?? expect.unreachable();
  const directory = join(bench.folder, 'verified');
  const tablespaceMap = Object.fromEntries(
    newest.tablespaces.map(({ oid }) => [String(oid), `${directory}-${String(oid)}`]),
  );
  const place = { kind: 'copy' as const, directory };
  const plan = restores.plan({ target: { at: 'latest' }, place, tablespaceMap, ways: { endsAs: 'files' } });
  await restores.restore(restores.order(plan));
  const verify = await openVerifier(postgres, bench.folder);
  expect(verify(directory)).toMatchObject({ status: 0 });
  proofs.push('pg_verifybackup of a restored directory before it is opened');
}

/** One full of the chain restores to the same bytes. */
async function mergeChain({ ground, sets, proofs }: Play): Promise<void> {
  const { bench, instance } = ground;
  const last = sets[sets.length - 1] ?? expect.unreachable();
  const { runId, hostId, pool, setId } = bench.order(instance);
  const order = { kind: 'merge-set' as const, runId, hostId, pool, setId, from: last.setId, channels: 2, limits: {} };
  const merge = mergeSet({ home: bench.home, newId: newTestId, toolVersion: '0' });
  const merged = await merge(
    { ...order, compression: { mode: 'fast' } },
    bench.step({ ...bench.order(instance), runId }),
  );
  const [own, theirs] = [
    await restoreFiles(bench, merged.setId, 'merged'),
    await restoreFiles(bench, last.setId, 'unmerged'),
  ];
  expect(differingFiles(own, theirs)).toBe('');
  proofs.push('the merged full equals its chain byte by byte');
  sets.push(merged);
}

async function verifyAll({ ground, sets, proofs }: Play): Promise<void> {
  const { bench, instance } = ground;
  const pool = await bench.openPool();
  for (const { setId } of sets)
    expect(await verifySet(pool, setId, 'full', bench.step(bench.order(instance)))).toMatchObject({ damage: [] });
  await pool.close();
  proofs.push('every byte of every set verified');
}
