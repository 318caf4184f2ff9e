import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { instantFromMs } from '#core/instant.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import { putMark, readMarks } from '#agent/care/marks.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { commitBackupSet } from '#agent/sets/commit-backup-set.ts';
import { openChain } from '#agent/sets/open-chain.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { lookAtBatch } from '#agent/verify/look-at-batch.ts';
import { readBatches } from '#agent/wal/committed-log.ts';
import { createLocalPool, quietStep } from '../repositories/pools.ts';
import { lastFiles, lastIds, makeTinyChain } from '../repositories/tiny-chain.ts';
import {
  fixedId,
  makeTinyLog,
  makeTinySet,
  putPieces,
  tinyFiles,
  tinyIds,
  tinySummary,
} from '../repositories/tiny-set.ts';
import { openCopyFixture, sourceFile } from '../support/copy.ts';
import { openFolder } from '../support/folder.ts';

const folder = openFolder('hf-faults-');
afterAll(() => {
  folder.remove();
});

type Call = 'putIfAbsent' | 'barrier' | 'get' | 'head' | 'list';

/** A pool of which every call of some kinds fails from the n-th on, from 0; how many there were is counted. */
function failingFrom(pool: Pool, calls: readonly Call[], at: number, error: () => HoldfastError) {
  const seen = { count: 0 };
  const guarded = <A extends readonly unknown[], R>(call: Call, real: (...args: A) => Promise<R>) =>
    calls.includes(call)
      ? (...args: A): Promise<R> => (seen.count++ >= at ? Promise.reject(error()) : real(...args))
      : real;
  const { store } = pool;
  const broken: ObjectStore = {
    ...store,
    putIfAbsent: guarded('putIfAbsent', (key, body) => store.putIfAbsent(key, body)),
    barrier: guarded('barrier', (also) => store.barrier(also)),
    get: guarded('get', (key, range) => store.get(key, range)),
    head: guarded('head', (key) => store.head(key)),
    list: (prefix) => (calls.includes('list') && seen.count++ >= at ? failing(error()) : store.list(prefix)),
  };
  return { pool: { ...pool, store: broken }, seen };
}

const failing = (error: HoldfastError): ReturnType<ObjectStore['list']> => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }),
});
const full = (): HoldfastError => fail('pool_full', { pool: 'small', why: 'ENOSPC' });
const away = (): HoldfastError => fail('pool_unreachable', { pool: 'far', why: 'EIO' });
let pools = 0;
const newPool = (isEncrypted = false): Promise<Pool> =>
  createLocalPool(join(folder.path, `pool${String(++pools)}`), isEncrypted);

interface Fault {
  readonly calls: readonly Call[];
  readonly error: () => HoldfastError;
  /** A pool for each time. */
  readonly open: () => Promise<Pool>;
}
const fullAtWrites: Fault = { calls: ['putIfAbsent', 'barrier'], error: full, open: newPool };

/** Runs `step` with the n-th call failing, for every n until none fails; `after` looks at what is left each time. */
async function atEvery(
  { calls, error, open }: Fault,
  step: (pool: Pool) => Promise<unknown>,
  after: (pool: Pool) => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  for (let at = 0; ; at++) {
    const pool = await open();
    const { pool: broken, seen } = failingFrom(pool, calls, at, error);
    const failure = await step(broken).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const { code } = error();
    if (failure !== undefined) expect(failure, `call ${String(at)}`).toMatchObject({ code });
    await after(pool);
    if (seen.count <= at) return at;
  }
}

describe('a pool that is full at any write', () => {
  test('shows no half set; the next attempt makes the whole one', async () => {
    const writes = await atEvery(fullAtWrites, makeTinySet, async (pool) => {
      const there = await openSet(pool, tinyIds.setId).catch((error: unknown) => error);
      if (there instanceof HoldfastError) expect(there.code).toBe('set_not_committed');
      else expect(await verifySet(pool, tinyIds.setId, 'full', quietStep)).toMatchObject({ damage: [] });
      await makeTinySet(pool);
      expect(await verifySet(pool, tinyIds.setId, 'full', quietStep)).toMatchObject({ damage: [] });
    });
    expect(writes).toBeGreaterThan(4);
  });

  test('commits no log that is not there whole', async () => {
    const writes = await atEvery(fullAtWrites, makeTinyLog, async (pool) => {
      for await (const batch of readBatches(pool, (problem) => expect.fail(problem.message)))
        expect(await lookAtBatch(pool, batch, quietStep)).toMatchObject({ damage: [] });
      expect(await lookAtBatch(pool, await makeTinyLog(pool), quietStep)).toMatchObject({ damage: [] });
    });
    expect(writes).toBeGreaterThan(2);
  });

  test('keeps the marks of a set in order, each once', async () => {
    const at = instantFromMs(1_790_000_000_000);
    const mark = (n: number, text: string) => ({
      markId: fixedId('mark', n),
      setId: tinyIds.setId,
      kind: 'label' as const,
      at,
      by: 'test',
      text,
    });
    const both = async (pool: Pool): Promise<void> => {
      await putMark(pool, mark(1, 'a'));
      await putMark(pool, mark(2, 'b'));
    };
    await atEvery(fullAtWrites, both, async (pool) => {
      await both(pool);
      const { marks, unreadable } = await readMarks(pool, tinyIds.setId);
      expect([marks.map(({ text }) => text), unreadable]).toEqual([['a', 'b'], []]);
    });
  });

  test('fails a copy by threads as pool_full, and the copy goes on when there is room again', async (context) => {
    const fixture = await openCopyFixture();
    const directory = join(fixture.folder, 'pool');
    const description = readFileSync(join(directory, 'holdfast.json'));
    const mount = (...options: string[]): number | null => spawnSync('mount', [...options, directory]).status;
    context.skip(mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs') !== 0, 'only root may mount a small file system');
    try {
      writeFileSync(join(directory, 'holdfast.json'), description);
      const source = join(fixture.folder, 'source');
      mkdirSync(source);
      const names = ['a', 'b', 'c'];
      for (const name of names) writeFileSync(join(source, name), randomBytes(900_000));
      const files = names.map((name) => sourceFile(source, name));
      await expect(fixture.copy(files)).rejects.toMatchObject({ code: 'pool_full', class: 'exhausted' });
      const left = readdirSync(directory, { recursive: true, encoding: 'utf8' });
      expect(left.filter((name) => name.includes('.tmp-'))).toEqual([]);
      expect(mount('-o', 'remount,size=16m')).toBe(0);
      const result = await fixture.copy(files);
      for (const name of names) expect(fixture.read(result, name).length).toBe(900_000);
    } finally {
      spawnSync('umount', ['--lazy', directory]);
      fixture.close();
    }
  });
});

test('K-047 pages of a server without page checksums are not judged, and a verification of pages says so', async () => {
  const pool = await newPool();
  const recipe = Object.fromEntries(Object.entries(tinyFiles).map(([path, content]) => [path, [content]]));
  const { keys, meta } = await putPieces(pool, { ...tinySummary, hasChecksums: false }, recipe);
  await commitBackupSet(pool, keys, meta);
  const report = await verifySet(pool, tinyIds.setId, 'page', quietStep);
  expect(report).toMatchObject({ damage: [], pages: 0, warnings: [{ code: 'checksums_off' }] });
});

describe('a read error at any read', () => {
  test.each([false, true])(
    'of a pool (encrypted: %s) is no damage and no soundness: verify, chain and log say that it is away',
    async (isEncrypted) => {
      const pool = await newPool(isEncrypted);
      await makeTinyChain(pool);
      const batch = await makeTinyLog(pool);
      const reads: Fault = { calls: ['get', 'head', 'list'], error: away, open: () => Promise.resolve(pool) };
      const verify = async (one: Pool): Promise<void> => {
        expect(await verifySet(one, lastIds.setId, 'full', quietStep)).toMatchObject({ damage: [] });
      };
      const restore = async (one: Pool): Promise<void> => {
        const [newest] = await openChain(one, lastIds.setId);
        for (const [path, content] of Object.entries(lastFiles))
          expect(Buffer.compare(await newest.readMember(path), content), path).toBe(0);
      };
      const log = async (one: Pool): Promise<void> => {
        expect(await lookAtBatch(one, batch, quietStep)).toMatchObject({ damage: [] });
      };
      expect(await atEvery(reads, verify)).toBeGreaterThan(8);
      expect(await atEvery(reads, restore)).toBeGreaterThan(8);
      expect(await atEvery(reads, log)).toBeGreaterThanOrEqual(2);
    },
  );

  test('K-047 of the source fails the copy by the name of the file, whichever it is', async () => {
    const fixture = await openCopyFixture();
    const source = join(fixture.folder, 'source');
    mkdirSync(source);
    const names = Object.keys(tinyFiles).map((_, i) => `file${String(i)}`);
    for (const name of names) writeFileSync(join(source, name), randomBytes(50_000));
    // Reading a directory is the error that a file system can always be made to give.
    mkdirSync(join(source, 'broken'));
    for (const name of names) {
      const files = names.map((one) => sourceFile(source, one));
      const broken = files.map((file) => (file.path === name ? { ...file, absolute: join(source, 'broken') } : file));
      await expect(fixture.copy(broken)).rejects.toMatchObject({
        code: 'source_unreadable',
        params: { path: expect.stringContaining('broken') as string },
      });
    }
    fixture.close();
  });
});
