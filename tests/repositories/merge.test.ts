import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { fail } from '#core/errors/fail.ts';
import { setMetaKey, setPrefix } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { RatesNow } from '#core/run/rate.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { parseSegmentName } from '#core/wal/segment-name.ts';
import { readIfPresent } from '#agent/datadir/reader.ts';
import { mergeSet } from '#agent/merge/merge-set.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { commitBackupSet } from '#agent/sets/commit-backup-set.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { newTestId } from '#tests/support/backup.ts';
import { openFolder } from '#tests/support/folder.ts';
import { createLocalPool, localAccess, passphrase, quietStep } from './pools.ts';
import { lastFiles, lastIds, makeTinyChain, middleIds } from './tiny-chain.ts';
import type { Recipe } from './tiny-set.ts';
import { fixedId, putPieces, tinyDamage, tinyIds, tinySummary } from './tiny-set.ts';

const reader = fileURLToPath(new URL('../../docs/format-reader/read-set.mjs', import.meta.url));

interface Stage {
  readonly folder: string;
  order(changes?: Partial<OrderOf<'merge-set'>>): OrderOf<'merge-set'>;
  merge(order: OrderOf<'merge-set'>, step?: Partial<StepContext>): Promise<SetSummary>;
  pool(): Promise<Pool>;
  remove(): void;
}

function openStage(isEncrypted: boolean): Stage {
  const folder = openFolder('hf-merge-');
  const access = localAccess(`${folder.path}/pool`, isEncrypted);
  const merge = mergeSet({ home: `${folder.path}/agent`, newId: newTestId, toolVersion: '0' });
  return {
    folder: folder.path,
    order: (changes = {}) => ({
      ...{ kind: 'merge-set', runId: newTestId('run'), hostId: newTestId('host'), pool: access },
      ...{ from: lastIds.setId, setId: newTestId('set'), compression: { mode: 'fast' }, channels: 2, limits: {} },
      ...changes,
    }),
    merge: (order, step = {}) => merge(order, { ...quietStep, runId: order.runId, ...step }),
    pool: () => openPool(access),
    remove: () => {
      folder.remove();
    },
  };
}

/** Every file of a set equals what was put in. */
async function expectContent(pool: Pool, setId: SetId, files: Readonly<Record<string, Buffer>>): Promise<void> {
  const set = await openSet(pool, setId);
  const paths = set.meta.members.flatMap((member) => (member.kind === 'file' ? [member.path] : []));
  expect(paths.sort()).toEqual(Object.keys(files).sort());
  for (const [path, content] of Object.entries(files))
    expect(Buffer.compare(Buffer.from(await set.readMember(path)), content), path).toBe(0);
}

describe.each([
  { is: 'plain', isEncrypted: false },
  { is: 'encrypted', isEncrypted: true },
])('a merge in a pool that is $is', ({ isEncrypted }) => {
  const stage = openStage(isEncrypted);
  const whenMade = createLocalPool(`${stage.folder}/pool`, isEncrypted).then(async (pool) => {
    await makeTinyChain(pool);
    return pool;
  });
  afterAll(async () => {
    await (await whenMade).close();
    stage.remove();
  });

  test('D-023 makes a full that is the incremental in everything but its chain, and verifies', async () => {
    const pool = await whenMade;
    const order = stage.order();
    const merged = await stage.merge(order);
    const newest = (await openSet(pool, lastIds.setId)).meta;
    const { base, ...same } = newest.summary;
    expect(base).toBeDefined();
    const own = { setId: order.setId, runId: order.runId, type: 'full', toolVersion: '0' };
    const counts = { pieceCount: merged.pieceCount, storedBytes: merged.storedBytes, attemptId: merged.attemptId };
    const { metaSha256 } = await openSet(pool, lastIds.setId);
    expect(merged).toEqual({ ...same, ...own, ...counts, mergedFrom: { setId: lastIds.setId, metaSha256 } });
    await expectContent(pool, order.setId, lastFiles);
    const { meta } = await openSet(pool, order.setId);
    const withoutExtents = (members: typeof meta.members): unknown[] =>
      members.map((member) => ({ ...member, extents: [] })).sort((a, b) => (a.path < b.path ? -1 : 1));
    expect(withoutExtents(meta.members)).toEqual(withoutExtents(newest.members));
    expect(meta.damagedPages).toEqual(tinyDamage);
    expect(await verifySet(pool, order.setId, 'full', quietStep)).toMatchObject({ sets: [order.setId], damage: [] });
  });

  test('K-084 answers the committed set when it is asked again, and writes nothing', async () => {
    const order = stage.order({ from: middleIds.setId });
    const first = await stage.merge(order);
    expect(await stage.merge(order)).toEqual(first);
  });

  test('K-110 goes on after a kill without sending again what the pool acknowledged', async () => {
    const pool = await whenMade;
    const order = stage.order({ channels: 1 });
    const abort = new AbortController();
    const journal = `${stage.folder}/agent/runs/${order.runId}/acknowledged.ndjson`;
    // The limits are looked at once more after the last piece was acknowledged.
    const limits = (): RatesNow => {
      if ((readIfPresent(journal) ?? '') !== '') abort.abort(fail('cancelled', { what: 'the test' }));
      return {};
    };
    const stopped = stage.merge(order, { signal: abort.signal, limits });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    expect(await pool.store.head(setMetaKey(order.setId))).toBeUndefined();
    const merged = await stage.merge(order);
    const { meta } = await openSet(pool, order.setId);
    expect(meta.pieces.length).toBeGreaterThan(0);
    expect(meta.pieces.filter(({ attempt }) => attempt === merged.attemptId)).toEqual([]);
    await expectContent(pool, order.setId, lastFiles);
  });

  test('is read by the reference reader when every set that it was made of has gone', async () => {
    const order = stage.order();
    await stage.merge(order);
    const lonely = openFolder('hf-merge-lonely-');
    const passphraseFile = `${lonely.path}/passphrase`;
    writeFileSync(passphraseFile, passphrase);
    execFileSync('cp', ['-a', `${stage.folder}/pool`, `${lonely.path}/pool`]);
    for (const { setId } of [tinyIds, middleIds, lastIds])
      rmSync(`${lonely.path}/pool/${setPrefix(setId)}`, { recursive: true });
    const secrets = isEncrypted ? [passphraseFile] : [];
    const args = [reader, `${lonely.path}/pool`, order.setId, `${lonely.path}/data`, ...secrets];
    execFileSync(process.execPath, args, { stdio: 'pipe' });
    for (const [path, content] of Object.entries(lastFiles))
      expect(Buffer.compare(readFileSync(`${lonely.path}/data/${path}`), content), path).toBe(0);
    lonely.remove();
  });

  test('refuses a full, and a chain with a flipped byte, and commits nothing', async () => {
    const pool = await whenMade;
    await expect(stage.merge(stage.order({ from: tinyIds.setId }))).rejects.toMatchObject({
      code: 'set_not_incremental',
    });
    const { meta } = await openSet(pool, tinyIds.setId);
    const { attempt, piece } = meta.pieces[0] ?? expect.unreachable();
    const file = `${stage.folder}/pool/sets/${tinyIds.setId}/${attempt}/piece-${String(piece).padStart(6, '0')}.bak`;
    const bytes = readFileSync(file);
    const flipped = Buffer.from(bytes);
    const first = meta.frames.find(({ rawBytes }) => rawBytes > 10_000)?.offset ?? expect.unreachable();
    flipped[first + 40] = (flipped[first + 40] ?? 0) ^ 1;
    writeFileSync(file, flipped);
    try {
      const order = stage.order();
      await expect(stage.merge(order)).rejects.toMatchObject({ code: 'object_damaged' });
      expect(await pool.store.head(setMetaKey(order.setId))).toBeUndefined();
    } finally {
      writeFileSync(file, bytes);
    }
  });
});

/** A file as runs of new bytes and bytes of the set below, in units that make small, kept and cut frames. */
const recipeOf = fc.array(
  fc.record({ isBase: fc.boolean(), length: fc.constantFrom(1, 100, 8192, 40_000, 65_536, 90_000), byte: fc.nat(255) }),
  { maxLength: 6 },
);

test('D-023 D-024 gives back every byte of random chains, merged at every depth', async () => {
  const stage = openStage(false);
  const pool = await createLocalPool(`${stage.folder}/pool`, false);
  let n = 100;
  await fc.assert(
    fc.asyncProperty(fc.array(recipeOf, { minLength: 2, maxLength: 4 }), async (rounds) => {
      let below: SetSummary | undefined;
      let content: Buffer = Buffer.alloc(0);
      for (const [depth, draft] of rounds.entries()) {
        const recipe: Recipe = draft.map(({ isBase, length, byte }) =>
          isBase ? { base: length } : Buffer.alloc(length, `${String(byte)} of ${String(depth)} `),
        );
        const made = madeOf(recipe, content);
        content = made.content;
        below = await putSet(pool, (n += 3), below, { 'base/5/1': made.recipe });
      }
      const order = stage.order({ from: below?.setId ?? expect.unreachable() });
      await stage.merge(order);
      expect(Buffer.compare(Buffer.from(await (await openSet(pool, order.setId)).readMember('base/5/1')), content)).toBe(0);
      expect(await verifySet(pool, order.setId, 'full', quietStep)).toMatchObject({ damage: [] });
    }),
    { numRuns: 8 },
  );
  await pool.close();
  stage.remove();
});

/** Runs of the base that the base does not have are left out; neighbours are joined as a set has them. */
function madeOf(draft: Recipe, below: Buffer): { readonly recipe: Recipe; readonly content: Buffer } {
  const recipe: (Buffer | { base: number })[] = [];
  const parts: Buffer[] = [];
  let at = 0;
  for (const part of draft) {
    const length = 'base' in part ? Math.min(part.base, Math.max(0, below.length - at)) : part.length;
    if (length === 0) continue;
    const bytes = 'base' in part ? below.subarray(at, at + length) : part;
    recipe.push('base' in part ? { base: length } : part);
    parts.push(bytes);
    at += length;
  }
  return { recipe, content: Buffer.concat(parts) };
}

async function putSet(
  pool: Pool,
  n: number,
  on: SetSummary | undefined,
  files: Readonly<Record<string, Recipe>>,
): Promise<SetSummary> {
  const ids = { setId: fixedId('set', n), attemptId: fixedId('try', n + 1) };
  const lsn = parseLsn('0/200028');
  const end = { beginLsn: lsn, endLsn: lsn, backupEndLsn: lsn };
  const segment = parseSegmentName('000000010000000000000002');
  const range = { ...end, beginSegment: segment, endSegment: segment, isConsistent: false };
  const link = on && {
    ...{ setId: on.setId, metaSha256: (await openSet(pool, on.setId)).metaSha256, beginLsn: lsn, endLsn: lsn },
    ...{ fullSetId: on.base?.fullSetId ?? on.setId, changedPages: 'log' as const },
  };
  const summary = { ...tinySummary, ...ids, ...range, ...(link ? { type: 'differential' as const, base: link } : {}) };
  const { keys, meta } = await putPieces(pool, summary, files);
  return commitBackupSet(pool, keys, { ...meta, damagedPages: [] });
}
