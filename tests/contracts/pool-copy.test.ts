import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { instantFromMs } from '#core/instant.ts';
import { pieceKey, setMetaKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { putMark, readMarks } from '#agent/care/marks.ts';
import { putTruncation } from '#agent/care/truncation.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import { openChain } from '#agent/sets/open-chain.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { readBatches } from '#agent/wal/committed-log.ts';
import { testIds } from '#tests/support/catalog.ts';
import { branchId, commitLog } from '#tests/support/care-stage.ts';
import type { CopyStage } from '#tests/support/copy-stage.ts';
import { openCopyStage } from '#tests/support/copy-stage.ts';
import { sampleSystemId } from '#tests/support/samples.ts';
import { lastFiles, lastIds, makeTinyChain, middleFiles, middleIds } from '#tests/repositories/tiny-chain.ts';
import { tinyFiles, tinyIds } from '#tests/repositories/tiny-set.ts';

const chain = [tinyIds.setId, middleIds.setId, lastIds.setId];
const filesOf = [tinyFiles, middleFiles, lastFiles];
const reader = fileURLToPath(new URL('../../docs/format-reader/read-set.mjs', import.meta.url));

const keysIn = async (pool: Pool, prefix = ''): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { key } of pool.store.list(prefix)) found.push(key);
  return found;
};
const expectFiles = async (pool: Pool, setId: SetId, files: Readonly<Record<string, Buffer>>): Promise<void> => {
  const set = await openSet(pool, setId);
  for (const [path, content] of Object.entries(files))
    expect(Buffer.compare(await set.readMember(path), content), path).toBe(0);
};
const failureOf = (work: Promise<unknown>): Promise<HoldfastError | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof HoldfastError) return error;
      throw error;
    },
  );

const ends = [
  { name: 'plain to plain', isFromEncrypted: false, isToEncrypted: false },
  { name: 'encrypted to encrypted with another passphrase', isFromEncrypted: true, isToEncrypted: true },
  { name: 'plain to encrypted', isFromEncrypted: false, isToEncrypted: true },
  { name: 'encrypted to plain', isFromEncrypted: true, isToEncrypted: false },
];

describe.each(ends)('K-005 a copy from pool to pool, $name', (which) => {
  let stage: CopyStage;
  beforeAll(async () => {
    stage = await openCopyStage(which);
    await makeTinyChain(stage.from);
    const mark = { setId: lastIds.setId, at: instantFromMs(0), by: 'test' };
    await putMark(stage.from, { ...mark, markId: testIds('mark'), kind: 'name', text: 'before the move' });
    await putMark(stage.from, { ...mark, markId: testIds('mark'), kind: 'hold', text: 'case 17' });
  });
  afterAll(() => stage.close());

  test('brings a chain whole; every file is read back from the copy, with the source gone', async () => {
    const { report, told } = await stage.copy({ sets: chain });
    expect(report).toMatchObject({ sets: 3, setsThere: 0, leftOut: [], warnings: [] });
    expect(told.flatMap((one) => (one.kind === 'set' ? [one.set.setId] : []))).toEqual(chain);
    expect(await keysIn(stage.to, 'sets/')).toEqual(await keysIn(stage.from, 'sets/'));
    const away = join(stage.folder, 'away');
    renameSync(join(stage.folder, 'from'), away);
    for (const [depth, setId] of chain.entries()) await expectFiles(stage.to, setId, filesOf[depth] ?? {});
    expect(await openChain(stage.to, lastIds.setId)).toHaveLength(3);
    const { isEncrypted } = (await openSet(stage.to, lastIds.setId)).meta.summary;
    expect(isEncrypted).toBe(which.isToEncrypted);
    renameSync(away, join(stage.folder, 'from'));
  });

  test('the reference reader restores the copy without the product', () => {
    const passphrase = join(stage.folder, 'passphrase');
    writeFileSync(passphrase, 'four words of to\n');
    const target = join(stage.folder, 'data');
    const secrets = which.isToEncrypted ? [passphrase] : [];
    execFileSync(process.execPath, [reader, join(stage.folder, 'to'), lastIds.setId, target, ...secrets]);
    for (const [path, content] of Object.entries(lastFiles))
      expect(Buffer.compare(readFileSync(join(target, path)), content), path).toBe(0);
  });

  test('a name goes along, a legal hold stays in its pool', async () => {
    const { marks } = await readMarks(stage.to, lastIds.setId);
    expect(marks.map(({ kind, text }) => [kind, text])).toEqual([['name', 'before the move']]);
  });
});

describe.each(ends.slice(0, 2))('K-005 a copy that meets trouble, $name', (which) => {
  let stage: CopyStage;
  beforeAll(async () => {
    stage = await openCopyStage(which);
    await makeTinyChain(stage.from);
    await stage.copy({ sets: chain });
  });
  afterAll(() => stage.close());

  test('sends nothing again, and tells the catalog again of what is there', async () => {
    const before = await keysIn(stage.to);
    const { report, told } = await stage.copy({ sets: chain });
    expect(report).toMatchObject({ sets: 0, setsThere: 3, objects: 0, bytes: 0 });
    expect(told.filter(({ kind }) => kind === 'set')).toHaveLength(3);
    expect(await keysIn(stage.to)).toEqual(before);
  });

  test('goes on after it was stopped without sending again what the target holds, commit points last', async () => {
    rmSync(join(stage.folder, 'to', 'sets'), { recursive: true });
    let objects = 0;
    const stopped = await failureOf(
      stage.copy(
        { sets: chain },
        {
          hear: (stop) => {
            objects += 1;
            if (objects === 1) stop();
          },
        },
      ),
    );
    expect(stopped?.code).toBe('cancelled');
    const left = await keysIn(stage.to, 'sets/');
    expect(left.some((key) => key.endsWith('/meta'))).toBe(false);
    const pieces = left.filter((key) => key.endsWith('.bak')).length;
    expect(pieces).toBeGreaterThan(0);
    const { report } = await stage.copy({ sets: chain });
    expect(report).toMatchObject({ sets: 3, objectsReused: pieces });
    await expectFiles(stage.to, lastIds.setId, lastFiles);
  });

  test('a piece that a power cut tore in the target is put again; what is damaged in the source is named, the rest is copied', async () => {
    rmSync(join(stage.folder, 'to', 'sets'), { recursive: true });
    const torn = join(stage.folder, 'to', pieceKey(tinyIds.setId, tinyIds.attemptId, 1));
    const bad = join(stage.folder, 'from', pieceKey(lastIds.setId, lastIds.attemptId, 1));
    const good = readFileSync(bad);
    const bytes = Buffer.from(good);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(bad, bytes);
    mkdirSync(dirname(torn), { recursive: true });
    writeFileSync(torn, 'torn');
    const failed = await failureOf(stage.copy({ sets: chain }));
    writeFileSync(bad, good);
    expect(failed).toMatchObject({ code: 'copy_incomplete', params: { count: '1', what: lastIds.setId } });
    expect(await stage.to.store.head(setMetaKey(lastIds.setId))).toBeUndefined();
    await expectFiles(stage.to, middleIds.setId, middleFiles);
    expect((await stage.copy({ sets: [lastIds.setId] })).report.sets).toBe(1);
    await expectFiles(stage.to, lastIds.setId, lastFiles);
  });

  test('an incremental whose base the target has not is refused before a byte of it is sent', async () => {
    rmSync(join(stage.folder, 'to', 'sets'), { recursive: true });
    const failed = await failureOf(stage.copy({ sets: [lastIds.setId] }));
    expect(failed).toMatchObject({ code: 'copy_incomplete' });
    expect(failed?.params['why']).toContain(middleIds.setId);
    expect(await keysIn(stage.to, 'sets/')).toEqual([]);
  });
});

describe.each(ends.slice(0, 2))('K-005 a copy of log, $name', (which) => {
  let stage: CopyStage;
  let last = '';
  beforeAll(async () => {
    stage = await openCopyStage(which);
    last = (await commitLog(stage.from, { first: 3, count: 2, previousSha256: '' })).sha256;
    last = (await commitLog(stage.from, { first: 5, count: 2, previousSha256: last })).sha256;
  });
  afterAll(() => stage.close());
  afterEach(async () => {
    expect(await problemsIn(stage.to)).toEqual([]);
  });
  const problemsIn = async (pool: Pool): Promise<readonly string[]> => {
    const problems: string[] = [];
    const read = readBatches(pool, (problem) => problems.push(problem.message));
    for await (const { batchId } of read) expect(batchId).toMatch(/^batch_/);
    return problems;
  };
  const batchesIn = async (pool: Pool) => {
    const found: string[] = [];
    for await (const batch of readBatches(pool, () => undefined)) {
      for (const { object, rawSha256 } of batch.segments)
        await getLogSegment(pool, keyOfLog({ systemId: sampleSystemId, branchId, name: object }), rawSha256);
      found.push(`${batch.from}-${batch.to}`);
    }
    return found;
  };
  const systems = [sampleSystemId];

  test('brings every segment and keeps the chain of batches whole', async () => {
    const { report, told } = await stage.copy({ systems });
    expect(report).toMatchObject({ batches: 2, batchesThere: 0 });
    expect(told).toHaveLength(2);
    expect(await batchesIn(stage.to)).toEqual(await batchesIn(stage.from));
  });

  test('brings only what is new the next time', async () => {
    last = (await commitLog(stage.from, { first: 7, count: 1, previousSha256: last })).sha256;
    const { report } = await stage.copy({ systems });
    expect(report).toMatchObject({ batches: 1, batchesThere: 2 });
    expect(report.objects).toBe(2);
    expect(await batchesIn(stage.to)).toEqual(await batchesIn(stage.from));
  });

  test('uses segments that a killed copy left, and leaves one with other bytes alone', async () => {
    last = (await commitLog(stage.from, { first: 8, count: 2, previousSha256: last })).sha256;
    const logs = join(stage.folder, 'to', 'logs', sampleSystemId, branchId);
    const { report } = await stage.copy({ systems });
    expect(report.batches).toBe(1);
    const [newest = ''] = readdirSync(join(logs, 'batches')).sort().slice(-1);
    rmSync(join(logs, 'batches', newest));
    const segments = readdirSync(logs).filter((name) => /^[0-9A-F]{24}$/.test(name));
    const [other = ''] = segments.sort().slice(-1);
    appendFileSync(join(logs, other), 'other bytes');
    const again = (await stage.copy({ systems })).report;
    expect(again).toMatchObject({ batches: 1, objectsReused: 1 });
    expect(readdirSync(logs).filter((name) => name.startsWith(`${other}.`))).toHaveLength(1);
    expect(await batchesIn(stage.to)).toEqual(await batchesIn(stage.from));
  });

  test('what retention deleted from the target does not come back', async () => {
    const logs = join(stage.folder, 'to', 'logs', sampleSystemId, branchId, 'batches');
    const [first = ''] = readdirSync(logs).sort();
    const batches: BatchSummary[] = [];
    for await (const batch of readBatches(stage.to, () => undefined)) batches.push(batch);
    const [gone, next] = batches;
    rmSync(join(logs, first));
    await putTruncation(stage.to, {
      ...{ noteId: testIds('mark'), systemId: sampleSystemId, branchId, runId: testIds('run'), at: instantFromMs(0) },
      links: [{ previousSha256: '', sha256: next?.previousSha256 ?? '', count: 1 }],
      ranges: gone === undefined ? [] : [{ from: gone.from, to: gone.to }],
    });
    expect((await stage.copy({ systems })).report).toMatchObject({ batches: 0 });
    expect(readdirSync(logs)).not.toContain(first);
  });
});
