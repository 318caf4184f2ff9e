import { expect, test } from 'vitest';
import { DurableNames } from './durable-names.ts';

/** What a barrier synced. */
async function synced(names: DurableNames, ...paths: readonly string[]): Promise<readonly string[]> {
  let all: readonly string[] = [];
  await names.settle(paths, (directories) => {
    all = directories;
    return Promise.resolve();
  });
  return all;
}

test('a barrier syncs the directory of a new name each time, and those above it until they are durable', async () => {
  const names = new DurableNames('/pool');
  expect(await synced(names, '/pool/sets/s/try/one')).toEqual([
    '/pool/sets/s/try',
    '/pool/sets/s',
    '/pool/sets',
    '/pool',
  ]);
  expect(await synced(names, '/pool/sets/s/try/two')).toEqual(['/pool/sets/s/try']);
  expect(await synced(names, '/pool/sets/s/meta', '/pool/sets/s/try/two')).toEqual([
    '/pool/sets/s/try',
    '/pool/sets/s',
  ]);
  expect(await synced(names, '/pool/sets/s/again/one')).toEqual(['/pool/sets/s/again', '/pool/sets/s']);
  expect(await synced(names, '/pool/holdfast.json')).toEqual(['/pool']);
});

test('a barrier that failed vouches for no directory', async () => {
  const names = new DurableNames('/pool');
  const refuse = (): Promise<void> => Promise.reject(new Error('the disk is gone'));
  await expect(names.settle(['/pool/logs/one'], refuse)).rejects.toThrow('gone');
  expect(await synced(names, '/pool/logs/one')).toEqual(['/pool/logs', '/pool']);
});

test('a directory that had to be made again, even during a barrier, is synced with those above it', async () => {
  const names = new DurableNames('/pool');
  await synced(names, '/pool/sets/s/try/one');
  names.make('/pool/sets/s/try');
  const all = ['/pool/sets/s/try', '/pool/sets/s', '/pool/sets', '/pool'];
  await names.settle(['/pool/sets/s/try/one'], () => {
    names.make('/pool/sets/s/try');
    return Promise.resolve();
  });
  expect(await synced(names, '/pool/sets/s/try/one')).toEqual(all);
  expect(await synced(names, '/pool/sets/s/try/one')).toEqual(['/pool/sets/s/try']);
});
