import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { OrderOf } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import { pieceKey, setMetaKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { Pool } from '../pools/open-pool.ts';
import { beginSet } from '../sets/begin-set.ts';
import { commitBackupSet } from '../sets/commit-backup-set.ts';
import { quietStep } from '#tests/repositories/pools.ts';
import { makeTinyChain, middleIds } from '#tests/repositories/tiny-chain.ts';
import { tinyIds } from '#tests/repositories/tiny-set.ts';
import { commitLog } from '#tests/support/care-stage.ts';
import { testIds } from '#tests/support/catalog.ts';
import type { CopyStage } from '#tests/support/copy-stage.ts';
import { openCopyStage } from '#tests/support/copy-stage.ts';
import { sampleSet, sampleSystemId } from '#tests/support/samples.ts';
import { copySet } from './copy-set.ts';
import { Copying } from './copying.ts';

const pieceCount = 12;

/** Commits a set of many small pieces; returns its id and the key of its first piece. */
async function commitPieces(pool: Pool) {
  const { setId, runId, attemptId: attempt, ...rest } = sampleSet(testIds('res'));
  const summary = { ...rest, setId, runId, attemptId: attempt, isConsistent: false };
  const keys = await beginSet(pool, { setId, runId });
  const pieces: { readonly piece: number; readonly attempt: typeof attempt; readonly storedBytes: number }[] = [];
  for (let piece = 1; piece <= pieceCount; piece++) {
    await pool.store.putIfAbsent(pieceKey(setId, attempt, piece), randomBytes(100));
    pieces.push({ piece, attempt, storedBytes: 100 });
  }
  const members = [{ kind: 'directory' as const, path: 'pg_wal', mode: 448 }];
  await commitBackupSet(pool, keys, { summary, pieces, frames: [], members, damagedPages: [] });
  return { setId, firstPiece: pieceKey(setId, attempt, 1) };
}

function copying({ access }: CopyStage, setId: SetId, pools: { readonly from: Pool; readonly to: Pool }): Copying {
  const task = { sets: [setId], bases: [], systems: [], bytesTotal: 0, leftOut: [], warnings: [] };
  const ids = { runId: testIds('run'), hostId: testIds('host') };
  const order: OrderOf<'pool-copy'> = { kind: 'pool-copy', ...ids, ...access, task, limits: {} };
  return new Copying({ ...pools, order, step: { ...quietStep, runId: order.runId }, newId: testIds });
}

interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

function gate(): Gate {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    passed,
    open: () => {
      open();
    },
  };
}

test('K-005 a copy of a set that failed has ended: nothing of it goes on beside the next attempt', async () => {
  const stage = await openCopyStage({ isFromEncrypted: false, isToEncrypted: false });
  const { setId, firstPiece } = await commitPieces(stage.from);
  const [othersPut, hasFailed] = [gate(), gate()];
  let puts = 0;
  let onTheirWay = 0;
  const from: Pool = {
    ...stage.from,
    store: {
      ...stage.from.store,
      get: async (key, range) => {
        if (key !== firstPiece) return stage.from.store.get(key, range);
        await othersPut.passed;
        hasFailed.open();
        throw fail('object_missing', { pool: 'from', object: key });
      },
    },
  };
  const to: Pool = {
    ...stage.to,
    store: {
      ...stage.to.store,
      putIfAbsent: async (key, body) => {
        if (!key.endsWith('.bak')) return stage.to.store.putIfAbsent(key, body);
        puts += 1;
        onTheirWay += 1;
        if (puts === 2) othersPut.open();
        await hasFailed.passed;
        await nextTurn();
        const outcome = await stage.to.store.putIfAbsent(key, body);
        onTheirWay -= 1;
        return outcome;
      },
    },
  };
  await expect(copySet(copying(stage, setId, { from, to }), setId)).rejects.toMatchObject({ code: 'object_missing' });
  expect({ puts, onTheirWay }).toEqual({ puts: 2, onTheirWay: 0 });
  const again = copying(stage, setId, stage);
  expect((await copySet(again, setId)).setId).toBe(setId);
  expect(again.result.objectsReused).toBe(2);
  await stage.close();
});

test('K-005 an incremental is not copied upon a base that is damaged in the target', async () => {
  const stage = await openCopyStage({ isFromEncrypted: false, isToEncrypted: false });
  await makeTinyChain(stage.from);
  const { setId: full } = tinyIds;
  const work = copying(stage, middleIds.setId, stage);
  await copySet(work, full);
  writeFileSync(join(stage.folder, 'to', setMetaKey(full)), 'not a meta');
  await expect(copySet(work, middleIds.setId)).rejects.toMatchObject({ code: 'set_base_damaged' });
  expect(await stage.to.store.head(setMetaKey(middleIds.setId))).toBeUndefined();
  await stage.close();
});

test('K-084 a copy whose run was given up commits neither a set nor log; what it put is not sent again', async () => {
  const stage = await openCopyStage({ isFromEncrypted: false, isToEncrypted: false });
  const { setId } = await commitPieces(stage.from);
  await commitLog(stage.from, { first: 3, count: 2, previousSha256: '' });
  const ofLog = { sets: [], systems: [sampleSystemId] };
  const demandOpen = () => Promise.reject(fail('run_over', { run: testIds('run') }));
  for (const task of [{ sets: [setId] }, ofLog])
    await expect(stage.copy(task, { demandOpen })).rejects.toMatchObject({ code: 'run_over' });
  expect(await stage.to.store.head(setMetaKey(setId))).toBeUndefined();
  for await (const { key } of stage.to.store.list('logs/')) expect(key).not.toContain('/batches/');
  let asked = 0;
  const isOpen = () => Promise.resolve(void (asked += 1));
  const [ofSet, log] = [
    await stage.copy({ sets: [setId] }, { demandOpen: isOpen }),
    await stage.copy(ofLog, { demandOpen: isOpen }),
  ];
  expect([ofSet.report, log.report]).toMatchObject([
    { sets: 1, objectsReused: pieceCount },
    { batches: 1, objectsReused: 2 },
  ]);
  expect(asked).toBe(2);
  await stage.close();
});
