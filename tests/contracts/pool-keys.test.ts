import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { keyFileKey, setStartKey } from '#core/format/object-key.ts';
import { instantFromMs } from '#core/instant.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { listMarks, putMark, readMarks } from '#agent/care/marks.ts';
import { kitFacts } from '#agent/pools/kit-facts.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { rotateKey } from '#agent/pools/rotate-key.ts';
import { listSets } from '#agent/sets/list-sets.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { readBatches } from '#agent/wal/committed-log.ts';
import { branchId, commitLog, commitOne } from '#tests/support/care-stage.ts';
import { testIds } from '#tests/support/catalog.ts';
import { cheapScrypt, createCheapPool } from '#tests/support/cheap-pool.ts';
import { openFolder } from '#tests/support/folder.ts';
import { sampleSystemId } from '#tests/support/samples.ts';
import { lastFiles, lastIds, makeTinyChain } from '#tests/repositories/tiny-chain.ts';
import { tinyIds } from '#tests/repositories/tiny-set.ts';

const clock = { nowMs: () => Date.now() };
const reader = fileURLToPath(new URL('../../docs/format-reader/read-set.mjs', import.meta.url));
const folder = openFolder('hf-pool-keys-');
const directory = join(folder.path, 'pool');
const poolId = testIds('pool');
const accessWith = (secrets: PoolAccess['secrets'], where = directory): PoolAccess => ({
  ...{ poolId, name: 'rotated', place: { kind: 'local', directory: where }, secrets },
});
const [first, second, third] = ['the first passphrase', 'the second passphrase', 'the third passphrase'];
const rotated = (passphrase: string, nextPassphrase: string) =>
  rotateKey(accessWith({ passphrase, nextPassphrase }), clock, cheapScrypt);
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'opened',
    (error: unknown) => (error instanceof HoldfastError ? error.code : String(error)),
  );
const withPool = async <T>(passphrase: string, use: (pool: Pool) => Promise<T>): Promise<T> => {
  const pool = await openPool(accessWith({ passphrase }));
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
};
const markOf = (text: string) => ({
  ...{ markId: testIds('mark'), setId: lastIds.setId, kind: 'label' as const, at: instantFromMs(0), by: 'test', text },
});

beforeAll(async () => {
  await createCheapPool(accessWith({ passphrase: first }));
  await withPool(first, async (pool) => {
    await makeTinyChain(pool);
    await putMark(pool, markOf('of the first'));
    await commitLog(pool, { first: 3, count: 1, previousSha256: '' });
  });
});
afterAll(() => {
  folder.remove();
});

test('a rotated pool opens with the new passphrase alone; sets, log and marks of before are read as they were', async () => {
  expect(await rotated(first, second)).toEqual({ version: 2, isNew: true });
  await withPool(second, async (pool) => {
    const set = await openSet(pool, lastIds.setId);
    for (const [path, content] of Object.entries(lastFiles))
      expect(Buffer.compare(await set.readMember(path), content), path).toBe(0);
    expect((await readMarks(pool, lastIds.setId)).marks.map(({ text }) => text)).toEqual(['of the first']);
    const problems: string[] = [];
    for await (const { segments } of readBatches(pool, (problem) => problems.push(problem.message)))
      for (const { object, rawSha256 } of segments)
        await getLogSegment(pool, keyOfLog({ systemId: sampleSystemId, branchId, name: object }), rawSha256);
    expect(problems).toEqual([]);
  });
  expect(await codeOf(openPool(accessWith({ passphrase: first })))).toBe('passphrase_old');
  expect(await codeOf(openPool(accessWith({ passphrase: 'none of them all' })))).toBe('passphrase_wrong');
});

test('what is written after a rotation is closed to the old passphrase', async () => {
  const setId = await withPool(second, async (pool) => {
    await putMark(pool, markOf('of the second'));
    return commitOne(pool);
  });
  // Whoever has the old passphrase and takes the new key away is left with what was written before.
  const robbed = join(folder.path, 'robbed');
  cpSync(directory, robbed, { recursive: true });
  unlinkSync(join(robbed, keyFileKey(2)));
  const pool = await openPool(accessWith({ passphrase: first }, robbed));
  expect(await codeOf(openSet(pool, setId))).toBe('object_damaged');
  expect((await readMarks(pool, lastIds.setId)).unreadable).toHaveLength(1);
  expect((await openSet(pool, tinyIds.setId)).meta.summary.setId).toBe(tinyIds.setId);
  await pool.close();
});

test('a rotation that was killed before or after its one object is finished by the next, and both passphrases work meanwhile', async () => {
  const both = accessWith({ passphrase: second, nextPassphrase: third });
  await (await openPool(both)).close();
  expect(await rotateKey(both, clock, cheapScrypt)).toEqual({ version: 3, isNew: true });
  await (await openPool(both)).close();
  expect(await rotateKey(both, clock, cheapScrypt)).toEqual({ version: 3, isNew: false });
  expect(await rotated(third, third)).toEqual({ version: 3, isNew: false });
});

test('a run that opened the pool before goes on writing, and everybody reads what it wrote', async () => {
  const before = await openPool(accessWith({ passphrase: third }));
  const next = 'the fourth passphrase';
  await rotated(third, next);
  const setId = await commitOne(before);
  await putMark(before, markOf('by the run of before'));
  await before.close();
  await withPool(next, async (pool) => {
    expect((await openSet(pool, setId)).meta.summary.setId).toBe(setId);
    const sets: string[] = [];
    for await (const found of listSets(pool)) if ('summary' in found) sets.push(found.setId);
    expect(sets).toHaveLength(5);
    for await (const { unreadable } of listMarks(pool)) expect(unreadable).toEqual([]);
  });
});

test('the reference reader opens a rotated pool', () => {
  const [file, target] = [join(folder.path, 'passphrase'), join(folder.path, 'data')];
  writeFileSync(file, 'the fourth passphrase\n');
  execFileSync(process.execPath, [reader, directory, lastIds.setId, target, file]);
  for (const [path, content] of Object.entries(lastFiles))
    expect(Buffer.compare(readFileSync(join(target, path)), content), path).toBe(0);
  writeFileSync(file, `${first}\n`);
  rmSync(target, { recursive: true });
  expect(() =>
    execFileSync(process.execPath, [reader, directory, lastIds.setId, target, file], { stdio: 'pipe' }),
  ).toThrow(/passphrase is wrong/);
});

test('the recovery kit holds every object without which the pool cannot be opened, and no passphrase', async () => {
  const facts = await kitFacts(accessWith({ passphrase: 'the fourth passphrase' }));
  expect(facts).toMatchObject({ isEncrypted: true, keyVersion: 4, format: 1 });
  const empty = join(folder.path, 'from-kit');
  cpSync(directory, empty, { recursive: true });
  for (const { key } of facts.objects) unlinkSync(join(empty, key));
  expect(await codeOf(openPool(accessWith({ passphrase: 'the fourth passphrase' }, empty)))).toBe('pool_unknown');
  for (const { key, text } of facts.objects) writeFileSync(join(empty, key), text);
  await (await openPool(accessWith({ passphrase: 'the fourth passphrase' }, empty))).close();
  expect(JSON.stringify(facts)).not.toMatch(/passphrase"|the fourth/);
});

test('a key object that is damaged, missing or of another pool is told as that', async () => {
  const path = join(directory, keyFileKey(3));
  const good = readFileSync(path);
  const open = () => codeOf(openPool(accessWith({ passphrase: 'the fourth passphrase' })));
  for (const at of [10, 200, good.length - 20]) {
    const bytes = Buffer.from(good);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect(await open(), String(at)).toBe('object_damaged');
  }
  unlinkSync(path);
  expect(await open()).toBe('object_damaged');
  writeFileSync(path, good);
  expect(await open()).toBe('opened');
  expect(existsSync(join(directory, setStartKey(tinyIds.setId)))).toBe(true);
});

test('a plain pool has no key to rotate', async () => {
  const plain = { ...accessWith({}, join(folder.path, 'plain')), poolId: testIds('pool') };
  await createCheapPool(plain);
  expect(await codeOf(rotateKey({ ...plain, secrets: { nextPassphrase: second } }, clock))).toBe('pool_not_encrypted');
});
