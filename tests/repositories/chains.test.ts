import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { pieceKey, setMetaKey, setStartKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { commitBackupSet } from '#agent/sets/commit-backup-set.ts';
import { openChain } from '#agent/sets/open-chain.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { openFolder } from '#tests/support/folder.ts';
import { localAccess, quietStep } from './pools.ts';
import { lastFiles, lastIds, middleFiles, middleIds } from './tiny-chain.ts';
import { tinyFiles, tinyIds } from './tiny-set.ts';

const golden = (is: string): string => fileURLToPath(new URL(`v2/${is}`, import.meta.url));

interface Damage {
  readonly what: string;
  readonly code: string;
  /** Found in the set that is damaged itself as well. */
  readonly object: ObjectKey;
  do(pool: string): void;
}

const flip = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
};
const middlePiece = pieceKey(middleIds.setId, middleIds.attemptId, 1);
const fullPiece = pieceKey(tinyIds.setId, tinyIds.attemptId, 1);

/** Damage somewhere in the chain below the last set, which must notice. */
const damages: readonly Damage[] = [
  { what: 'a base without meta', code: 'set_base_missing', object: setMetaKey(middleIds.setId), do: (pool) => { rmSync(`${pool}/${setMetaKey(middleIds.setId)}`); } },
  { what: 'a full without meta at the end of the chain', code: 'set_base_missing', object: setMetaKey(tinyIds.setId), do: (pool) => { rmSync(`${pool}/${setMetaKey(tinyIds.setId)}`); } },
  { what: 'a base with a flipped byte in its meta', code: 'set_base_damaged', object: setMetaKey(middleIds.setId), do: (pool) => { flip(`${pool}/${setMetaKey(middleIds.setId)}`, 90); } },
  { what: 'a base whose meta is cut', code: 'set_base_damaged', object: setMetaKey(tinyIds.setId), do: (pool) => { truncateSync(`${pool}/${setMetaKey(tinyIds.setId)}`, 400); } },
  { what: 'a missing piece of a base', code: 'object_missing', object: middlePiece, do: (pool) => { rmSync(`${pool}/${middlePiece}`); } },
  { what: 'a truncated piece of the full', code: 'object_short', object: fullPiece, do: (pool) => { truncateSync(`${pool}/${fullPiece}`, 60); } },
  { what: 'a flipped byte in a piece of the full', code: 'object_damaged', object: fullPiece, do: (pool) => { flip(`${pool}/${fullPiece}`, 30); } },
];

describe.each([{ is: 'plain', isEncrypted: false }, { is: 'encrypted', isEncrypted: true }])('the golden chain v2/$is', ({ is, isEncrypted }) => {
  const folder = openFolder('hf-chain-');
  const directory = `${folder.path}/pool`;
  let pool: Pool;
  const fill = (): void => {
    rmSync(`${directory}/sets`, { recursive: true, force: true });
    cpSync(golden(is), directory, { recursive: true, force: true });
  };
  beforeAll(async () => {
    fill();
    pool = await openPool(localAccess(directory, isEncrypted));
  });
  beforeEach(fill);
  afterAll(async () => {
    await pool.close();
    folder.remove();
  });

  const readAll = async (setId: SetId, files: Readonly<Record<string, Buffer>>): Promise<void> => {
    const set = await openSet(pool, setId);
    const there = set.meta.members.flatMap((member) => (member.kind === 'file' ? [member.path] : []));
    expect(there.sort()).toEqual(Object.keys(files).sort());
    for (const [path, content] of Object.entries(files)) expect(Buffer.compare(await set.readMember(path), content), path).toBe(0);
  };
  const codeOf = async (step: () => Promise<unknown>): Promise<string> => {
    try {
      await step();
      return '';
    } catch (error) {
      return error instanceof HoldfastError ? error.code : String(error);
    }
  };
  /** What a restore does first, and then reads. */
  const useLast = async (): Promise<void> => {
    await openChain(pool, lastIds.setId);
    await readAll(lastIds.setId, lastFiles);
  };

  test('D-024 every set of it gives back its own state, and is verified with what it builds on', async () => {
    await readAll(tinyIds.setId, tinyFiles);
    await readAll(middleIds.setId, middleFiles);
    await readAll(lastIds.setId, lastFiles);
    const report = await verifySet(pool, lastIds.setId, 'full', quietStep);
    expect(report).toMatchObject({ damage: [], sets: [lastIds.setId, middleIds.setId, tinyIds.setId] });
  });

  test.each(damages)('$what is found by verify and by a restore of the last set', async (damage) => {
    damage.do(directory);
    const { damage: found } = await verifySet(pool, lastIds.setId, 'full', quietStep);
    expect(found.map(({ object }) => object)).toContain(damage.object);
    expect(found[0]?.what).toMatch(new RegExp(`^${damage.code}: `));
    expect(await codeOf(useLast)).toBe(damage.code);
  });

  test('a base that another set was put in place of is found, and both are named', async () => {
    // The full under the name of the middle set: sound in itself, but not what the last set was built on.
    const other = openFolder('hf-chain-other-');
    cpSync(golden(is), other.path, { recursive: true });
    for (const name of ['start', 'meta']) cpSync(`${golden(is)}/sets/${tinyIds.setId}/${name}`, `${directory}/sets/${middleIds.setId}/${name}`);
    await expect(openChain(pool, lastIds.setId)).rejects.toMatchObject({ code: 'set_base_damaged', params: { set: lastIds.setId, base: middleIds.setId } });
    expect((await verifySet(pool, lastIds.setId, 'quick', quietStep)).damage[0]?.what).toContain(middleIds.setId);
    other.remove();
  });

  test('no set is committed whose base went away or was changed while it was made', async () => {
    const { keys, meta } = await openSet(pool, lastIds.setId);
    const own = `${directory}/${setMetaKey(lastIds.setId)}`;
    const below = `${directory}/${setMetaKey(middleIds.setId)}`;
    rmSync(own);
    flip(below, 90);
    await expect(commitBackupSet(pool, keys, meta)).rejects.toMatchObject({ code: 'set_base_damaged' });
    rmSync(below);
    await expect(commitBackupSet(pool, keys, meta)).rejects.toMatchObject({ code: 'set_base_missing' });
    expect(existsSync(own)).toBe(false);
  });

  test('what a set does not need of its base is no damage of it', async () => {
    // The control file of the middle set was replaced in the last one; its tables are still needed.
    const { meta } = await openSet(pool, middleIds.setId);
    const member = meta.members.find(({ path }) => path === 'global/pg_control');
    const frame = meta.frames[member?.kind === 'file' ? (member.extents[0]?.frame ?? -1) : -1];
    const piece = meta.pieces[frame?.pieceIndex ?? -1];
    flip(`${directory}/${pieceKey(middleIds.setId, middleIds.attemptId, piece?.piece ?? 0)}`, (frame?.offset ?? 0) + 40);
    expect((await verifySet(pool, middleIds.setId, 'full', quietStep)).damage).not.toEqual([]);
    expect((await verifySet(pool, lastIds.setId, 'full', quietStep)).damage).toEqual([]);
  });

  test('a start that is gone is found in encrypted chains before anything is read', async () => {
    rmSync(`${directory}/${setStartKey(tinyIds.setId)}`);
    const { damage } = await verifySet(pool, lastIds.setId, 'full', quietStep);
    expect(damage.length).toBeGreaterThan(0);
    expect(await codeOf(useLast)).toBe(isEncrypted ? 'set_base_damaged' : '');
  });

  test('flipped bits all over the sets it builds on are found', async () => {
    const keys = [setMetaKey(middleIds.setId), setMetaKey(tinyIds.setId), setStartKey(middleIds.setId), middlePiece];
    for (const key of keys) {
      const bytes = readFileSync(`${directory}/${key}`);
      for (let at = 0; at < bytes.length; at += at < 64 ? 8 : 61) {
        flip(`${directory}/${key}`, at);
        const { damage } = await verifySet(pool, lastIds.setId, 'full', quietStep);
        const isUnneeded = key === middlePiece && damage.length === 0;
        if (isUnneeded) await readAll(lastIds.setId, lastFiles);
        else expect(damage.length, `${key} at ${String(at)}`).toBeGreaterThan(0);
        writeFileSync(`${directory}/${key}`, bytes);
      }
    }
  });
});
