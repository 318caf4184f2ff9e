import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { instantFromMs } from '#core/instant.ts';
import { parseId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { coverage } from '#core/log/coverage.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { openFolder } from '#tests/support/folder.ts';
import { clock, newId } from '#tests/support/log-stage.ts';
import { plainName, plainSegment, plainSystemId } from '#tests/support/plain-log.ts';
import { listArchive } from './archive/archive-folder.ts';
import { backUpBranch } from './back-up-branch.ts';
import { LogTally } from './log-tally.ts';
import type { TailReport } from './save-log-tail.ts';
import { saveLogTail } from './save-log-tail.ts';

const step = {
  ...{ runId: newId('run'), signal: new AbortController().signal, limits: () => ({}) },
  ...{ report: () => undefined, log: () => undefined },
};

/** The log of one time, from a segment on, behind a record. */
function timeOf(seed: number, [from, to]: readonly [number, number], after: number): ReadonlyMap<number, Segment> {
  const found = new Map<number, Segment>();
  for (let number = from, last = after; number <= to; number++) {
    const segment = plainSegment({ number, seed, after: last, commits: seed + 2 });
    found.set(number, segment);
    last = segment.last;
  }
  return found;
}

type Segment = ReturnType<typeof plainSegment>;
const lastOf = (time: ReadonlyMap<number, Segment>, number: number): number => time.get(number)?.last ?? 0;

/** Segments 1 to 9 as they were, and 3 to 9 as they are since the state behind segment 2 was put back. */
const before = timeOf(1, [1, 9], 0);
const since = timeOf(2, [3, 9], lastOf(before, 2));

interface Ran {
  readonly stored: number;
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

/** A pool, an archive and a pg_wal without a server. */
async function openWorld() {
  const folder = openFolder('hf-two-times-');
  const at = (name: string): string => join(folder.path, name);
  const [archive, logDirectory] = [at('archive'), at('pg_wal')];
  for (const directory of [at('pool'), archive, logDirectory]) mkdirSync(directory);
  const place = { kind: 'local', directory: at('pool') } as const;
  const access = { poolId: newId('pool'), name: 'p', place, secrets: {} };
  await createPool(access, clock);
  const pool = await openPool(access);
  onTestFinished(async () => {
    await pool.close();
    folder.remove();
  });
  const told = new Map<string, BatchSummary>();
  const channel = { putBatch: (batch: BatchSummary) => Promise.resolve(void told.set(batch.batchId, batch)) };
  const resourceId = parseId('res', `res_${'0'.repeat(32)}`);
  const deps = { pool, channel, newId, runId: newId('run'), resourceId };
  const branch = { systemId: plainSystemId, timeline: 1, history: '', branchId: branchIdOf(''), fork: undefined };
  const put = (directory: string, time: ReadonlyMap<number, Segment>, numbers: readonly number[]): void => {
    rmSync(directory, { recursive: true });
    mkdirSync(directory);
    for (const number of numbers)
      writeFileSync(join(directory, plainName(number)), time.get(number)?.bytes ?? Buffer.alloc(0));
  };
  return {
    archived: (time: ReadonlyMap<number, Segment>, ...numbers: readonly number[]) => {
      put(archive, time, numbers);
    },
    inServer: (number: number, { bytes }: Segment) => {
      writeFileSync(join(logDirectory, plainName(number)), bytes);
    },
    backUp: async (idleAt?: number): Promise<Ran> => {
      const tally = new LogTally(step, 0);
      const closed =
        idleAt === undefined ? undefined : { segment: plainName(idleAt), at: instantFromMs(1_700_100_000_000) };
      const options = {
        channels: 1,
        compression: { mode: 'fast' },
        archiveRetention: { mode: 'keep' },
        limits: {},
      } as const;
      const facts = { branch, closed, logDirectory, level: 1 };
      const work = { order: { options: { ...options, isFastCheckpoint: true } }, step, deps, ...facts };
      await backUpBranch({ ...work, archive: listArchive(archive), tally, hasRead: () => Promise.resolve() });
      const [warnings, problems] = [tally.warnings, tally.problems].map((all) => all.map(({ code }) => code));
      return { stored: tally.segments, warnings: warnings ?? [], problems: problems ?? [] };
    },
    saveTail: (): Promise<TailReport> => saveLogTail(deps, { logDirectory, systemId: plainSystemId }, step),
    gaps: () =>
      coverage({ sets: [], batches: [...told.values()] }).branches[0]?.gaps.map((gap) => gap.isBreak === true),
    segments: () => [...told.values()].flatMap(({ segments }) => segments.map(({ name }) => name)),
  };
}

const green = { warnings: [], problems: [] };

test('K-049 log goes on behind a batch without segments', async () => {
  const world = await openWorld();
  world.archived(before, 1, 2, 3, 4, 5);
  expect(await world.backUp(5)).toEqual({ ...green, stored: 5 });
  expect(await world.backUp(5)).toEqual({ ...green, stored: 0 });
  world.archived(before, 6, 7);
  expect(await world.backUp()).toEqual({ ...green, stored: 2 });
  expect(world.gaps()).toEqual([]);
});

test.each([
  ['behind a batch without segments', 5],
  ['behind a segment', undefined],
])(
  'K-095 log of an instance that was put back does not pass for the next, %s: it is kept behind a break',
  async (_, idleAt) => {
    const world = await openWorld();
    world.archived(before, 1, 2, 3, 4, 5);
    await world.backUp();
    await world.backUp(idleAt);
    world.archived(since, 6, 7, 8);
    expect(await world.backUp(8)).toEqual({ stored: 3, warnings: ['log_gap'], problems: [] });
    expect(world.gaps()).toEqual([true]);
    expect(await world.backUp(8)).toEqual({ ...green, stored: 0 });
    expect(world.gaps()).toEqual([true]);
  },
);

test('K-049 a file of a copy of the server that archives to the same place is refused, and its own is stored then', async () => {
  const world = await openWorld();
  world.archived(before, 1, 2, 3, 4, 5);
  await world.backUp(5);
  const refused = { stored: 0, warnings: [], problems: ['log_damaged'] };
  world.archived(since, 6);
  // The server has not come to that place yet.
  expect(await world.backUp(5)).toEqual(refused);
  // It has, and keeps what it cannot archive.
  world.inServer(6, before.get(6) ?? expect.fail('made above'));
  expect(await world.backUp(6)).toEqual(refused);
  world.archived(before, 6);
  expect(await world.backUp(6)).toEqual({ ...green, stored: 1 });
  expect(world.gaps()).toEqual([]);
});

test('K-095 a break is recorded when the file right before it is lacking among those that were refused', async () => {
  const world = await openWorld();
  world.archived(before, 1, 2, 3, 4, 5);
  await world.backUp();
  world.archived(since, 3, 4, 6, 7);
  const { stored, problems } = await world.backUp();
  expect({ stored, problems }).toEqual({ stored: 2, problems: ['log_duplicate_differs', 'log_duplicate_differs'] });
  expect(world.gaps()).toEqual([true]);
});

test('K-049 a saved tail gives way to its whole segment, not to one of another time', async () => {
  const world = await openWorld();
  world.archived(before, 1, 2);
  await world.backUp();
  world.inServer(3, plainSegment({ number: 3, seed: 1, after: lastOf(before, 2), commits: 2, isOpen: true }));
  expect((await world.saveTail()).segments).toBe(1);
  const other = plainSegment({ number: 3, seed: 2, after: lastOf(before, 2), commits: 5, common: 1 });
  world.archived(new Map([[3, other]]), 3);
  expect(await world.backUp()).toEqual({ stored: 0, warnings: [], problems: ['log_duplicate_differs'] });
  world.archived(before, 3, 4);
  expect(await world.backUp()).toEqual({ ...green, stored: 2 });
  expect(world.gaps()).toEqual([]);
});

test('K-049 a longer last file of another time does not pass for what was saved of the first', async () => {
  const world = await openWorld();
  world.archived(before, 1, 2);
  await world.backUp();
  world.inServer(3, plainSegment({ number: 3, seed: 1, after: lastOf(before, 2), commits: 2, isOpen: true }));
  await world.saveTail();
  world.inServer(3, plainSegment({ number: 3, seed: 2, after: lastOf(before, 2), commits: 6, isOpen: true }));
  const { segments, warnings } = await world.saveTail();
  expect({ segments, codes: warnings.map(({ code }) => code) }).toEqual({ segments: 0, codes: ['log_tail_unsaved'] });
});

test('K-095 the last log of an instance that was put back is saved behind a break', async () => {
  const world = await openWorld();
  world.archived(before, 1, 2, 3, 4, 5);
  await world.backUp();
  world.inServer(6, since.get(6) ?? expect.fail('made above'));
  world.inServer(7, plainSegment({ number: 7, seed: 2, after: lastOf(since, 6), isOpen: true }));
  const { segments, warnings } = await world.saveTail();
  expect({ segments, codes: warnings.map(({ code }) => code) }).toEqual({ segments: 2, codes: ['log_gap'] });
  expect(world.gaps()).toEqual([true]);
});
