import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { pieceKey } from '#core/format/object-key.ts';
import { openSet } from '#agent/sets/open-set.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

let postgres: Postgres;
let bench: BackupBench;
let restores: RestoreBench;
/** Name of the file of the table in the set. */
let table: string;

const rows = 30_000;

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true });
  bench = await openBackupBench();
  restores = openRestoreBench(bench, postgres);
  await postgres.sql(
    `create table wide as select g as id, repeat(md5(g::text), 10) as text from generate_series(1, ${String(rows)}) g`,
  );
  table = String((await postgres.sql(`select pg_relation_filepath('wide') as path`))[0]?.['path']);
  const order = bench.order(await instanceAccess(postgres), { archiveDirectory: postgres.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
  await damage(table);
});
afterAll(async () => {
  await restores.close();
  bench.close();
  await postgres.close();
});

/** Flips a byte in the frame that holds the begin of a file. */
async function damage(path: string): Promise<void> {
  const pool = await bench.openPool();
  const { meta } = await openSet(pool, restores.sets[0]?.setId ?? expect.unreachable());
  await pool.close();
  const file = meta.members.find((member) => member.kind === 'file' && member.path === path);
  const frame = meta.frames[file?.kind === 'file' ? (file.extents[0]?.frame ?? -1) : -1] ?? expect.unreachable();
  const piece = meta.pieces[frame.pieceIndex] ?? expect.unreachable();
  const object = join(bench.folder, 'pool', pieceKey(meta.summary.setId, piece.attempt, piece.piece));
  const bytes = readFileSync(object);
  const at = frame.offset + Math.floor(frame.storedBytes / 2);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x40, at);
  writeFileSync(object, bytes);
}

const planOf = (name: string, damageConsent?: string): RestorePlan =>
  restores.plan({
    target: { at: 'immediate', setId: restores.sets[0]?.setId ?? expect.unreachable() },
    setId: restores.sets[0]?.setId,
    place: { kind: 'copy', directory: restores.directory(name) },
    ...(damageConsent === undefined ? {} : { ways: { damageConsent } }),
  });

test('K-089 a damaged set is refused, and its acceptance must be typed', async () => {
  await expect(restores.restore(restores.order(planOf('refused')))).rejects.toMatchObject({ code: 'object_damaged' });
  expect(() => planOf('mistyped', 'yes')).toThrow(
    expect.objectContaining({ code: 'damage_consent_mismatch' }) as Error,
  );
  const unnamed = { target: { at: 'latest' }, ways: { damageConsent: 'test resource' } } as const;
  expect(() => restores.plan(unnamed)).toThrow(expect.objectContaining({ code: 'restore_ways_conflict' }) as Error);
});

test('K-089 with its damage accepted all else is restored, and what became zeros is listed by file and block', async () => {
  const report = await restores.restore(restores.order(planOf('accepted', 'test resource')));
  const [told, advice, ...more] = report.warnings;
  expect(told).toMatchObject({ code: 'extent_zeroed' });
  expect(told?.detail).toMatch(new RegExp(`^${table}: blocks 0–\\d+ are zeros \\(.*SHA-256`));
  expect([advice?.code, more]).toEqual(['damage_accepted', []]);
  const blocks = Number(/blocks 0–(\d+)/.exec(told?.detail ?? '')?.[1]) + 1;
  const [found] = await restores.sql(
    report,
    `select count(*)::int as n, min((ctid::text::point)[0])::int as block from wide`,
  );
  expect(found).toMatchObject({ block: blocks });
  const kept = await postgres.sql(
    `select count(*)::int as n from wide where (ctid::text::point)[0] >= ${String(blocks)}`,
  );
  expect(found).toMatchObject({ n: kept[0]?.['n'] });
  expect(existsSync(join(report.directory, 'backup_manifest'))).toBe(true);
});
