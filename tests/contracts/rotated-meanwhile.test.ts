import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import type { OrderOf } from '#core/agent/order.ts';
import type { ScrubNext, ScrubTold } from '#core/care/verification.ts';
import type { SetId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { CareWork } from '#agent/care/care-work.ts';
import { readMarks } from '#agent/care/marks.ts';
import { demandNewestKey } from '#agent/pools/newest-key.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { rotateKey } from '#agent/pools/rotate-key.ts';
import { listSets } from '#agent/sets/list-sets.ts';
import { scrub } from '#agent/verify/scrub.ts';
import { readBatches } from '#agent/wal/committed-log.ts';
import { careClock, commitLog, commitOne, noScrub } from '#tests/support/care-stage.ts';
import { testIds } from '#tests/support/catalog.ts';
import { cheapScrypt, createCheapPool } from '#tests/support/cheap-pool.ts';
import { openFolder } from '#tests/support/folder.ts';
import { quietStep } from '../repositories/pools.ts';

// A run opened the pool, then the key was rotated, and another run wrote a set and log under the new key.

const [first, second] = ['the first passphrase', 'the second passphrase'];
const folder = openFolder('hf-rotated-');
let access: (secrets: PoolAccess['secrets']) => PoolAccess;
let before: Pool;
let after: Pool;
let setId: SetId;
let batch: BatchSummary;
let pools = 0;

beforeEach(async () => {
  const place = { kind: 'local', directory: join(folder.path, String(++pools)) } as const;
  const poolId = testIds('pool');
  access = (secrets) => ({ poolId, name: 'rotated', place, secrets });
  await createCheapPool(access({ passphrase: first }));
  before = await openPool(access({ passphrase: first }));
  await rotateKey(access({ passphrase: first, nextPassphrase: second }), careClock, cheapScrypt);
  after = await openPool(access({ passphrase: second }));
  setId = await commitOne(after);
  ({ batch } = await commitLog(after, { first: 3, count: 2, previousSha256: '' }));
});
afterEach(async () => {
  await before.close();
  await after.close();
});
afterAll(() => {
  folder.remove();
});

/** Scrubs what `asked` names with the pool as it was opened; what was told of it. */
async function scrubbed(pool: Pool, passphrase: string, asked: readonly ScrubNext[]): Promise<readonly ScrubTold[]> {
  const told: ScrubTold[] = [];
  const left = [...asked];
  const done = { next: 'nothing', sets: 1, batches: 1, bytes: 0, damaged: 0 } as const;
  const channel = {
    ...noScrub,
    claimDeletion: () => Promise.resolve({ verdict: 'refused', why: 'nobody deletes here' } as const),
    tellDeleted: () => Promise.resolve(),
    nextToScrub: () => Promise.resolve(left.shift() ?? done),
    tellScrubbed: (_run: unknown, one: ScrubTold) => Promise.resolve(void told.push(one)),
  };
  const task = { task: 'scrub', depth: 'full' } as const;
  const runId = testIds('run');
  const order: OrderOf<'care'> = { kind: 'care', runId, hostId: testIds('host'), pool: access({ passphrase }), task };
  const deps = { home: folder.path, clock: careClock, newId: testIds, channel };
  await scrub(new CareWork({ deps, order, step: { ...quietStep, runId }, pool }), task);
  return told;
}

const askedOf: Record<'set' | 'log', () => ScrubNext> = {
  set: () => ({ next: 'set', setId, fromPiece: 0 }),
  log: () => ({ next: 'batch', batch }),
};

test.each(['set', 'log'] as const)(
  'a scrub that began before a rotation calls no %s damaged that came after it, and begins again',
  async (kind) => {
    const asked = [askedOf[kind]()];
    await expect(scrubbed(before, first, asked)).rejects.toMatchObject({ code: 'passphrase_old', isRetryable: true });
    expect((await readMarks(after, setId)).marks).toEqual([]);
    expect(await scrubbed(after, second, asked)).toMatchObject([
      { kind: kind === 'set' ? 'set' : 'batch', report: { damage: [] } },
    ]);
  },
);

test('sets and log of after a rotation are never listed as damaged by who opened the pool before it', async () => {
  const told: unknown[] = [];
  const drain = async (found: AsyncIterable<unknown>): Promise<void> => {
    for await (const one of found) told.push(one);
  };
  await expect(drain(listSets(before))).rejects.toMatchObject({ code: 'passphrase_old' });
  await expect(drain(readBatches(before, (problem) => told.push(problem)))).rejects.toMatchObject({
    code: 'passphrase_old',
  });
  expect(told).toEqual([]);
});

test('who has the newest key of a pool goes on with it', async () => {
  await expect(demandNewestKey(before)).rejects.toMatchObject({ code: 'passphrase_old' });
  await expect(demandNewestKey(after)).resolves.toBeUndefined();
});
