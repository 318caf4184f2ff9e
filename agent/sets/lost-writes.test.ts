import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { openLocalStore } from '#agent/pools/local.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { openFolder } from '#tests/support/folder.ts';
import { clock, newId } from '#tests/support/log-stage.ts';
import { putLogSegment } from './log-objects.ts';
import { keyOfLog } from './seal-log.ts';

const run = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args).status === 0;

interface Stage {
  readonly access: PoolAccess;
  /** Takes away the space that the disk below the file system promised, and gives it back. */
  readonly fill: () => void;
  readonly free: () => void;
  /** Forgets what the memory holds of the files. */
  readonly remount: () => void;
}

/** A pool on a thinly provisioned disk: ext4 in a sparse file on a small tmpfs. Undefined where nobody may mount. */
async function thinPool(): Promise<Stage | undefined> {
  const folder = openFolder('hf-thin-');
  const [below, above] = [join(folder.path, 'below'), join(folder.path, 'above')];
  onTestFinished(() => {
    spawnSync('umount', [above]);
    spawnSync('umount', [below]);
    folder.remove();
  });
  mkdirSync(below);
  mkdirSync(above);
  const image = join(below, 'image');
  const isReady =
    run('mount', '-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', below) &&
    run('truncate', '-s', '64m', image) &&
    run('mkfs.ext4', '-q', '-O', '^has_journal', '-E', 'lazy_itable_init=1', image) &&
    run('mount', '-o', 'loop,errors=continue', image, above);
  if (!isReady) return undefined;
  const access: PoolAccess = {
    poolId: newId('pool'),
    name: 'thin',
    place: { kind: 'local', directory: join(above, 'pool') },
    secrets: {},
  };
  await createPool(access, clock);
  const stone = join(below, 'stone');
  const free = (): void => {
    rmSync(stone, { force: true });
  };
  const remount = (): void => {
    expect(run('umount', above) && run('mount', '-o', 'loop', image, above)).toBe(true);
  };
  return { access, free, remount, fill: () => spawnSync('dd', ['if=/dev/zero', `of=${stone}`, 'bs=64k']) };
}

const log = { systemId: '7000000000000000001', branchId: '0'.repeat(32), name: '000000010000000000000001' };
const pathIn = ({ access }: Stage): string =>
  join(access.place.kind === 'local' ? access.place.directory : '', keyOfLog(log));

test('K-080 a barrier that failed once never vouches for its objects: they go, and are put again', async (context) => {
  const stage = await thinPool();
  if (stage === undefined) {
    context.skip(true, 'only root may mount a file system');
    return;
  }
  const raw = randomBytes(4 << 20);
  const pool = await openPool(stage.access);
  stage.fill();
  expect(await putLogSegment(pool, log, raw)).toMatchObject({ outcome: 'created' });
  await expect(pool.store.barrier()).rejects.toMatchObject({ isRetryable: true });
  expect(statSync(pathIn(stage), { throwIfNoEntry: false })).toBeUndefined();
  await expect(pool.store.barrier([keyOfLog(log)])).rejects.toMatchObject({ code: 'object_missing' });
  stage.free();
  expect(await putLogSegment(pool, log, raw)).toMatchObject({ outcome: 'created' });
  await pool.store.barrier();
  await pool.close();
});

test('K-080 an object that a dead process left without a barrier is written again, never believed from memory', async (context) => {
  const stage = await thinPool();
  if (stage === undefined) {
    context.skip(true, 'only root may mount a file system');
    return;
  }
  const raw = randomBytes(4 << 20);
  const directory = stage.access.place.kind === 'local' ? stage.access.place.directory : '';
  const dead = openLocalStore({ directory, pool: 'thin' });
  stage.fill();
  const pool = await openPool(stage.access);
  await putLogSegment({ ...pool, store: dead }, log, raw);
  // The kernel gives up the pages and tells whoever syncs first; here that is somebody else.
  spawnSync('sync', ['-f', directory]);
  spawnSync('sync', [pathIn(stage)]);
  const before = statSync(pathIn(stage)).ino;
  await expect(putLogSegment(pool, log, raw)).rejects.toMatchObject({ isRetryable: true });
  stage.free();
  expect(await putLogSegment(pool, log, raw)).toMatchObject({ outcome: 'identical' });
  await pool.store.barrier();
  expect(statSync(pathIn(stage)).ino).not.toBe(before);
  const kept = readFileSync(pathIn(stage));
  await pool.close();
  stage.remount();
  expect(readFileSync(pathIn(stage)).equals(kept)).toBe(true);
});
