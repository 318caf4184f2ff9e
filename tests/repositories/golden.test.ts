import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { pieceKey, setMetaKey, setStartKey } from '#core/format/object-key.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { getLogSegment, openBatch, openLogSegment } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { openFolder } from '#tests/support/folder.ts';
import { localAccess, quietStep } from './pools.ts';
import { tinyDamage, tinyFiles, tinyIds, tinyLink, tinyLog, tinyLogContent } from './tiny-set.ts';

const golden = (is: string): string => fileURLToPath(new URL(`v1/${is}`, import.meta.url));
const { setId, attemptId } = tinyIds;

interface Damage {
  readonly what: string;
  readonly key: ObjectKey;
  readonly code: string;
  do(path: string): void;
}

const flipAt = (path: string, offset: number, bit = 1): void => {
  const bytes = readFileSync(path);
  const at = offset < 0 ? bytes.length + offset : offset;
  bytes[at] = (bytes[at] ?? 0) ^ bit;
  writeFileSync(path, bytes);
};

const damages: readonly Damage[] = [
  { what: 'a truncated piece', key: pieceKey(setId, attemptId, 1), code: 'object_short', do: (path) => { truncateSync(path, 60); } },
  { what: 'a flipped byte in a piece', key: pieceKey(setId, attemptId, 1), code: 'object_damaged', do: (path) => { flipAt(path, 35); } },
  { what: 'a missing piece', key: pieceKey(setId, attemptId, 2), code: 'object_missing', do: rmSync },
  { what: 'a flipped byte in meta', key: setMetaKey(setId), code: 'object_damaged', do: (path) => { flipAt(path, 100); } },
  { what: 'a truncated meta', key: setMetaKey(setId), code: 'object_damaged', do: (path) => { truncateSync(path, 500); } },
  { what: 'a flipped byte in start', key: setStartKey(setId), code: 'object_damaged', do: (path) => { flipAt(path, 90); } },
  { what: 'a missing start', key: setStartKey(setId), code: 'object_missing', do: rmSync },
];

describe.each([{ is: 'plain', isEncrypted: false }, { is: 'encrypted', isEncrypted: true }])('the golden repository v1/$is', ({ is, isEncrypted }) => {
  const folder = openFolder('hf-golden-');
  const directory = `${folder.path}/pool`;
  let pool: Pool;
  const fill = (): void => {
    cpSync(golden(is), directory, { recursive: true, force: true });
  };
  const keys = async (): Promise<readonly ObjectKey[]> => {
    const found: ObjectKey[] = [];
    for await (const { key } of pool.store.list('')) found.push(key);
    return found;
  };
  const codeOf = async (step: () => Promise<unknown>): Promise<string> => {
    try {
      await step();
      return '';
    } catch (error) {
      return error instanceof HoldfastError ? error.code : String(error);
    }
  };
  const readAll = async (): Promise<void> => {
    const set = await openSet(pool, setId);
    for (const [path, content] of Object.entries(tinyFiles)) expect(Buffer.compare(await set.readMember(path), content), path).toBe(0);
  };
  const readLog = async (): Promise<void> => {
    for (const key of (await keys()).filter((name) => name.startsWith('logs/'))) {
      const stored = await pool.store.get(key);
      if (key.includes('/batches/')) openBatch(pool, key, stored);
      else openLogSegment(pool, key, stored);
    }
  };
  beforeAll(async () => {
    fill();
    pool = await openPool(localAccess(directory, isEncrypted));
  });
  beforeEach(fill);
  afterEach(() => {
    rmSync(`${directory}/sets`, { recursive: true, force: true });
  });
  afterAll(async () => {
    await pool.close();
    folder.remove();
  });

  test('opens, verifies and reads back equal', async () => {
    await readAll();
    const { meta } = await openSet(pool, setId);
    expect(meta.members).toContainEqual({ kind: 'symlink', ...tinyLink });
    expect(meta.damagedPages).toEqual(tinyDamage);
    expect((await verifySet(pool, setId, 'full', quietStep)).damage).toEqual([]);
  });

  test('gives back its log', async () => {
    const batchKey = (await keys()).find((name) => name.includes('/batches/'));
    const batch = openBatch(pool, batchKey ?? '', await pool.store.get(batchKey ?? pieceKey(setId, attemptId, 9)));
    const [segment] = batch.segments;
    expect(Buffer.compare(await getLogSegment(pool, keyOfLog(tinyLog), segment?.rawSha256 ?? ''), tinyLogContent)).toBe(0);
  });

  test.each(damages)('$what is found by verify and named by its error', async (damage) => {
    const { key, code } = damage;
    damage.do(`${directory}/${key}`);
    const { damage: found } = await verifySet(pool, setId, 'full', quietStep);
    expect(found.map(({ object }) => object)).toContain(key);
    expect(found[0]?.what).toMatch(new RegExp(`^${code}: `));
    if (key !== setStartKey(setId) || isEncrypted) expect(await codeOf(readAll)).toBe(code);
  });

  test('a missing meta means that there is no set', async () => {
    rmSync(`${directory}/${setMetaKey(setId)}`);
    expect(await codeOf(() => openSet(pool, setId))).toBe('set_not_committed');
  });

  test('flipped bits all over every object are found', async () => {
    const originals = (await keys()).map((key) => ({ key, bytes: readFileSync(`${directory}/${key}`) }));
    expect(originals.length).toBe(7);
    for (const { key, bytes } of originals) {
      // The MAC of the pool file costs a scrypt a time: it has a test of its own.
      const last = key === 'holdfast.json' && isEncrypted ? bytes.length - 75 : bytes.length;
      for (let at = 0; at < last; at += at < 64 ? 1 : 5) {
        flipAt(`${directory}/${key}`, at, 1 << (at % 8));
        expect(await findFlip(key), `${key} at ${String(at)}`).toBe(true);
        writeFileSync(`${directory}/${key}`, bytes);
      }
    }
  });

  /** Whoever reads the object first must notice. */
  async function findFlip(key: ObjectKey): Promise<boolean> {
    if (key.startsWith('logs/')) return (await codeOf(readLog)) !== '';
    if (key === 'holdfast.json') return (await codeOf(() => openPool(localAccess(directory, isEncrypted)))) !== '';
    return (await verifySet(pool, setId, 'full', quietStep)).damage.length > 0;
  }
});
