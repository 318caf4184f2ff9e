import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pieceKey, setMetaKey } from '#core/format/object-key.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { beginSet } from '#agent/sets/begin-set.ts';
import { commitBackupSet } from '#agent/sets/commit-backup-set.ts';
import type { ListedSet } from '#agent/sets/list-sets.ts';
import { listSets } from '#agent/sets/list-sets.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { openFolder } from '#tests/support/folder.ts';
import { createLocalPool, quietStep } from './pools.ts';
import { makeTinySet, putTinyPieces, tinyFiles, tinyIds } from './tiny-set.ts';

const everySet = async (pool: Pool): Promise<readonly ListedSet[]> => {
  const found: ListedSet[] = [];
  for await (const set of listSets(pool)) found.push(set);
  return found;
};

describe.each([{ is: 'plain', isEncrypted: false }, { is: 'encrypted', isEncrypted: true }])('a set in a pool that is $is', ({ isEncrypted }) => {
  const folder = openFolder('hf-sets-');
  let pool: Pool;
  beforeAll(async () => {
    pool = await createLocalPool(`${folder.path}/pool`, isEncrypted);
  });
  // One pool for all: making its key is slow on purpose.
  beforeEach(async () => {
    for await (const { key } of pool.store.list('sets/')) await pool.store.remove([key]);
  });
  afterAll(async () => {
    await pool.close();
    folder.remove();
  });

  test('every member is read back equal and the summary counts what is there', async () => {
    const summary = await makeTinySet(pool);
    const set = await openSet(pool, tinyIds.setId);
    for (const [path, content] of Object.entries(tinyFiles)) expect(Buffer.compare(await set.readMember(path), content), path).toBe(0);
    const rawBytes = Object.values(tinyFiles).reduce((sum, content) => sum + content.length, 0);
    expect(summary).toMatchObject({ fileCount: Object.keys(tinyFiles).length, rawBytes, isEncrypted, pieceCount: set.meta.pieces.length });
    expect(set.meta.summary).toEqual(summary);
    await expect(async () => set.readMember('base/none')).rejects.toMatchObject({ code: 'set_member_unknown' });
  });

  test('a set without its meta is not a set', async () => {
    await putTinyPieces(pool);
    await expect(openSet(pool, tinyIds.setId)).rejects.toMatchObject({ code: 'set_not_committed' });
    await expect(verifySet(pool, tinyIds.setId, 'quick', quietStep)).rejects.toMatchObject({ code: 'set_not_committed' });
    expect(await everySet(pool)).toEqual([]);
  });

  test('resuming a set keeps its data key', async () => {
    const first = await beginSet(pool, tinyIds);
    expect(await beginSet(pool, tinyIds)).toEqual(first);
    expect(first.dataKey !== undefined).toBe(isEncrypted);
  });

  test('committing twice, also with other metadata, keeps what was committed first', async () => {
    const { keys, meta } = await putTinyPieces(pool);
    const first = await commitBackupSet(pool, keys, meta);
    const stored = await pool.store.get(setMetaKey(keys.setId));
    const later = { ...meta, summary: { ...meta.summary, toolVersion: '9.9.9' } };
    expect(await commitBackupSet(pool, keys, later)).toEqual(first);
    expect(Buffer.compare(await pool.store.get(setMetaKey(keys.setId)), stored)).toBe(0);
  });

  test('a set with a missing or short piece is not committed', async () => {
    const { keys, meta } = await putTinyPieces(pool);
    const longer = { ...meta, pieces: meta.pieces.map((piece, i) => (i === 0 ? { ...piece, storedBytes: piece.storedBytes + 1 } : piece)) };
    await expect(commitBackupSet(pool, keys, longer)).rejects.toMatchObject({ code: 'set_incomplete' });
    await pool.store.remove([pieceKey(keys.setId, tinyIds.attemptId, 1)]);
    await expect(commitBackupSet(pool, keys, meta)).rejects.toMatchObject({ code: 'set_incomplete' });
    expect(await pool.store.head(setMetaKey(keys.setId))).toBeUndefined();
  });

  test('a commit that the pool takes for done although nothing is there is no commit', async () => {
    const { keys, meta } = await putTinyPieces(pool);
    const store = { ...pool.store, putIfAbsent: () => Promise.resolve('exists' as const), barrier: () => Promise.resolve() };
    await expect(commitBackupSet({ ...pool, store }, keys, meta)).rejects.toMatchObject({ code: 'set_incomplete' });
  });

  test('a set without the log of its range is not committed as consistent', async () => {
    const { keys, meta } = await putTinyPieces(pool);
    const bare = { ...meta, members: meta.members.filter(({ path }) => !path.startsWith('pg_wal/')) };
    await expect(commitBackupSet(pool, keys, bare)).rejects.toMatchObject({ code: 'set_incomplete' });
    const open = { ...bare, summary: { ...bare.summary, isConsistent: false } };
    expect(await commitBackupSet(pool, keys, open)).toMatchObject({ isConsistent: false });
  });

  test('an undamaged set verifies, quick and full', async () => {
    const { storedBytes } = await makeTinySet(pool);
    expect(await verifySet(pool, tinyIds.setId, 'quick', quietStep)).toMatchObject({ damage: [] });
    const full = await verifySet(pool, tinyIds.setId, 'full', quietStep);
    expect(full.damage).toEqual([]);
    expect(full.bytes).toBeGreaterThan(storedBytes);
  });

  test('the sets of a pool are listed by what is committed', async () => {
    const summary = await makeTinySet(pool);
    expect(await everySet(pool)).toEqual([{ setId: tinyIds.setId, summary }]);
  });
});
