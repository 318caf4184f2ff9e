import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'minio';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { pieceKey } from '#core/format/object-key.ts';
import { parseId } from '#core/id.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { stopCopy } from '#scripts/demo/stop-copy.ts';
import type { Minio } from '#tests/support/minio.ts';
import { openMinio } from '#tests/support/minio.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';
import { connectTo } from '#tests/support/restored-copy.ts';

let platform: Platform;
let minio: Minio;
let near: string;

const runShape = z.looseObject({ setId: z.string() });
const backup = (type: 'full' | 'log', pool: string, ...more: readonly string[]): string[] => [
  ...['backup', '--type', type, '--resource', 'main', '--pool', pool, '--archive-retention', 'keep'],
  ...['--archive-directory', platform.instance.archiveDirectory, '--wait', ...more],
];
const full = async (pool: string, ...more: readonly string[]): Promise<string> =>
  runShape.parse(await platform.done(backup('full', pool, ...more))).setId;
const restore = (...what: readonly string[]): string[] => ['restore', 'run', '--resource', 'main', ...what, '--wait'];
const copy = (name: string): string[] => ['--to', join(platform.folder, name)];

const ask = async (statement: string): Promise<readonly Record<string, unknown>[]> => {
  const client = await platform.instance.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
};
const rowsOf = async (...what: readonly string[]): Promise<unknown> => {
  const restored = await connectTo(await platform.done(restore(...what)), platform.instance.password);
  const { rows } = await restored.query('select count(*)::int as n from ledger');
  await restored.stop();
  return rows[0]?.['n'];
};

beforeAll(async () => {
  [platform, minio] = await Promise.all([openPlatform(), openMinio()]);
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  near = await platform.localPool('near');
  await ask('create table ledger as select g as id, repeat(md5(g::text), 10) as word from generate_series(1, 20000) g');
});
afterAll(async () => {
  await platform.close();
  await minio.close();
});

test('D-021 a set without its log is refused until that log has a pool, shown as such, and restores when the log is there', async () => {
  const withoutLog = backup('full', 'near', '--without-log');
  expect(await platform.refused(3, withoutLog)).toMatchObject({ code: 'without_log_refused' });
  await platform.done(backup('log', 'near'));
  const setId = await full('near', '--without-log');
  expect(await platform.done(['set', 'show', setId])).toMatchObject({ summary: { isConsistent: false } });
  const state = ['--immediate', '--set', setId, ...copy('state')];
  expect(await platform.refused(3, restore(...state))).toMatchObject({ code: 'set_log_missing' });
  await ask('delete from ledger where id > 15000');
  await platform.done(backup('log', 'near'));
  expect(await rowsOf(...state)).toBe(20_000);
  expect(await rowsOf('--latest', ...copy('latest'))).toBe(15_000);
});

const zeroed = /^(\S+): blocks \d+–\d+ are zeros \(.*SHA-256/;
const reportShape = z.looseObject({
  state: z.string(),
  outcome: z.looseObject({
    result: z.looseObject({ warnings: z.array(z.object({ code: z.string(), detail: z.string() })) }),
  }),
});
const warningsOf = async (args: readonly string[]) => {
  const { state, outcome } = reportShape.parse(await platform.done(args));
  expect(state).toBe('warned');
  return outcome.result.warnings;
};

/** Flips a bit in the frame that holds the begin of a file of a set in the pool `near`. */
async function damage(setId: string, path: string): Promise<void> {
  const pools = z.array(z.looseObject({ id: z.string(), name: z.string() })).parse(await platform.done(['pool', 'ls']));
  const poolId = parseId('pool', pools.find(({ name }) => name === 'near')?.id ?? '');
  const pool = await openPool({ poolId, name: 'near', place: { kind: 'local', directory: near }, secrets: {} });
  const { meta } = await openSet(pool, parseId('set', setId));
  await pool.close();
  const file = meta.members.find((member) => member.kind === 'file' && member.path === path);
  const frame = meta.frames[file?.kind === 'file' ? (file.extents[0]?.frame ?? -1) : -1] ?? expect.unreachable();
  const piece = meta.pieces[frame.pieceIndex] ?? expect.unreachable();
  const object = join(near, pieceKey(meta.summary.setId, piece.attempt, piece.piece));
  const bytes = readFileSync(object);
  const at = frame.offset + Math.floor(frame.storedBytes / 2);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
  writeFileSync(object, bytes);
}

test('K-089 a damaged set is refused, and with its damage accepted by name the list says which blocks of which file are zeros', async () => {
  const setId = await full('near');
  const [table] = await ask("select pg_relation_filepath('ledger') as path");
  await damage(setId, String(table?.['path']));
  const state = ['--immediate', '--set', setId];
  expect(await platform.refused(7, restore(...state, ...copy('damaged')))).toMatchObject({ code: 'object_damaged' });
  const mistyped = restore(...state, ...copy('mistyped'), '--accept-damage', 'other');
  expect((await platform.holdfast(mistyped)).refusal).toMatchObject({ code: 'damage_consent_mismatch' });
  const accepted = restore(...state, ...copy('accepted'), '--accept-damage', 'main');
  const [told, advice, ...more] = await warningsOf(accepted);
  expect(told).toMatchObject({ code: 'extent_zeroed' });
  expect(zeroed.exec(told?.detail ?? '')?.[1]).toBe(table?.['path']);
  expect([advice?.code, more]).toEqual(['damage_accepted', []]);
  await stopCopy(join(platform.folder, 'accepted'));
});

test('what a backup puts into an immutable bucket stays: retention says why, the storage refuses, and it restores', async () => {
  const { endPoint, port, accessKey, secretKey } = minio;
  const client = new Client({ endPoint, port, useSSL: false, accessKey, secretKey });
  await client.makeBucket('vault', 'us-east-1', { ObjectLocking: true });
  const place = ['--s3', `${endPoint}:${String(port)}`, '--bucket', 'vault', '--no-tls', '--immutable', '1'];
  const keys = { HOLDFAST_S3_ACCESS_KEY: accessKey, HOLDFAST_S3_SECRET_KEY: secretKey };
  await platform.done(['pool', 'create', 'vault', ...place, '--host', platform.host], keys);
  const sets = [await full('vault'), await full('vault')];
  const where = ['--resource', 'main', '--pool', 'vault'];
  await platform.done(['retention', 'set', ...where, '--fulls', '1']);
  const plan = z
    .looseObject({ sets: z.array(z.looseObject({ setId: z.string(), isDeleted: z.boolean(), reasons: z.unknown() })) })
    .parse(await platform.done(['retention', 'plan', ...where]));
  const old = plan.sets.find(({ setId }) => setId === sets[0]);
  expect(old).toMatchObject({ isDeleted: false, reasons: [{ code: 'locked' }] });
  const rm = ['set', 'rm', sets[0] ?? '', '--pool', 'vault'];
  expect(await platform.refused(3, rm)).toMatchObject({ code: 'set_protected' });
  const meta = `sets/${sets[0] ?? ''}/meta`;
  const { versionId } = await client.statObject('vault', meta);
  await expect(client.removeObject('vault', meta, { versionId: versionId ?? '' })).rejects.toThrow();
  const state = ['--immediate', '--set', sets[0] ?? '', '--pool', 'vault'];
  expect(await rowsOf(...state, ...copy('vaulted'))).toBe(15_000);
});

test('K-098 K-105 a place with another instance in it stays; one with links is not written over, and replaced it says what lay elsewhere', async () => {
  const setId = await full('near');
  const { dataDirectory } = platform.instance;
  const [log, elsewhere] = [join(dataDirectory, 'pg_wal'), join(platform.instance.folder, 'log-elsewhere')];
  await ask('delete from ledger');
  await platform.stack.childOf('demo-instance').stop();
  renameSync(log, elsewhere);
  symlinkSync(elsewhere, log);
  const inPlace = restore('--immediate', '--set', setId, '--in-place', '--consent', 'main');
  const nested = join(dataDirectory, 'base', 'deep', 'other');
  mkdirSync(join(nested, 'global'), { recursive: true });
  for (const name of ['PG_VERSION', 'global/pg_control']) writeFileSync(join(nested, name), 'of somebody');
  const before = readdirSync(platform.instance.folder).sort();
  expect(await platform.refused(3, inPlace)).toMatchObject({
    code: 'holds_foreign',
    params: { directory: dataDirectory, found: `a data directory in ${nested}` },
  });
  rmSync(join(dataDirectory, 'base', 'deep'), { recursive: true });
  const delta = restore('--immediate', '--set', setId, '--in-place', '--delta', '--consent', 'overwrite main');
  expect(await platform.refused(3, delta)).toMatchObject({
    code: 'place_linked',
    params: { links: `pg_wal -> ${elsewhere}` },
  });
  expect(readdirSync(platform.instance.folder).sort()).toEqual(before);
  const warnings = await warningsOf(inPlace);
  expect(warnings.find(({ code }) => code === 'links_not_restored')?.detail).toContain(`pg_wal -> ${elsewhere}`);
  expect(await ask('select count(*)::int as n from ledger')).toEqual([{ n: 15_000 }]);
  // What the link led to belongs to the old directory, which was kept.
  expect(readdirSync(elsewhere).length).toBeGreaterThan(0);
  await stopCopy(dataDirectory);
});
