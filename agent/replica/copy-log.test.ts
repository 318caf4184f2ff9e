import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { instantFromMs } from '#core/instant.ts';
import { formatLsn } from '#core/wal/lsn.ts';
import { branchId, commitLog, commitOne } from '#tests/support/care-stage.ts';
import { testIds } from '#tests/support/catalog.ts';
import type { CopyStage } from '#tests/support/copy-stage.ts';
import { openCopyStage } from '#tests/support/copy-stage.ts';
import { sampleSystemId } from '#tests/support/samples.ts';
import { putTruncation } from '../care/truncation.ts';

test('K-005 log behind a batch that cannot be read is not copied as if nothing were missing; it follows when the batch can be read', async () => {
  const stage = await openCopyStage({ isFromEncrypted: false, isToEncrypted: false });
  const batchesOf = (pool: string): readonly string[] =>
    readdirSync(join(stage.folder, pool, 'logs', sampleSystemId, branchId, 'batches')).sort();
  let last = '';
  for (const first of [3, 4, 5]) last = (await commitLog(stage.from, { first, count: 1, previousSha256: last })).sha256;
  const [first = '', second = '', third = ''] = batchesOf('from');
  const damaged = join(stage.folder, 'from', 'logs', sampleSystemId, branchId, 'batches', second);
  const good = readFileSync(damaged);
  writeFileSync(damaged, good.subarray(0, 20));
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(stage.copy({ systems: [sampleSystemId] })).rejects.toMatchObject({ code: 'copy_incomplete' });
    expect(batchesOf('to')).toEqual([first]);
  }
  writeFileSync(damaged, good);
  expect((await stage.copy({ systems: [sampleSystemId] })).report).toMatchObject({ batches: 2, batchesThere: 1 });
  expect(batchesOf('to')).toEqual([first, second, third]);
  await stage.close();
});

const segment = 1 << 20;
const deletedFrom = (stage: CopyStage, first: number, end: number): Promise<void> =>
  putTruncation(stage.to, {
    ...{ noteId: testIds('mark'), systemId: sampleSystemId, branchId, runId: testIds('run'), at: instantFromMs(0) },
    ...{ links: [], segments: [], ranges: [{ from: formatLsn(first * segment), to: formatLsn(end * segment) }] },
  });

test('K-005 log that a plan deleted from the target comes back where a set of the copy needs it, and only there', async () => {
  const stage = await openCopyStage({ isFromEncrypted: false, isToEncrypted: false });
  // Its log is from 0/3000028 to 0/3000100.
  const setId = await commitOne(stage.from);
  let last = '';
  for (const first of [47, 48, 49])
    last = (await commitLog(stage.from, { first, count: 1, previousSha256: last })).sha256;
  await deletedFrom(stage, 40, 50);
  const systems = [sampleSystemId];
  expect((await stage.copy({ systems })).report).toMatchObject({ batches: 0 });
  const task = { sets: [setId], systems };
  const { report, told } = await stage.copy(task);
  expect(report).toMatchObject({ sets: 1, batches: 1, leftOut: [], warnings: [] });
  const brought = told.flatMap((one) => (one.kind === 'batch' ? [one.batch.from] : []));
  expect(brought).toEqual([formatLsn(48 * segment)]);
  for (const again of [task, { systems }]) expect((await stage.copy(again)).report).toMatchObject({ batches: 0 });
  await stage.close();
});

test('K-005 a copied set whose log does not come along is named and warned of', async () => {
  const stage = await openCopyStage({ isFromEncrypted: false, isToEncrypted: false });
  const setId = await commitOne(stage.from);
  await commitLog(stage.from, { first: 47, count: 1, previousSha256: '' });
  const { report } = await stage.copy({ sets: [setId], systems: [sampleSystemId] });
  expect(report.leftOut).toMatchObject([{ what: `log of ${setId}` }]);
  expect(report.warnings).toMatchObject([{ code: 'copied_without_log' }]);
  await stage.close();
});

test('K-005 a copied set whose place in the log of the target is of another time of the instance is named and warned of', async () => {
  for (const isOther of [false, true]) {
    const stage = await openCopyStage({ isFromEncrypted: false, isToEncrypted: false });
    const { batch } = await commitLog(stage.from, { first: 48, count: 1, previousSha256: '' });
    const [end = expect.fail('no log was taken')] = batch.segments;
    const endSegmentSha256 = isOther ? 'b'.repeat(64) : end.rawSha256;
    const setId = await commitOne(stage.from, { segmentBytes: segment, endSegment: end.name, endSegmentSha256 });
    const { report } = await stage.copy({ sets: [setId], systems: [sampleSystemId] });
    const what = 'to has log of another time of the instance in its place';
    expect(report.leftOut).toEqual(isOther ? [{ what: `log of ${setId}`, why: what }] : []);
    const told = { code: 'copied_without_log', detail: expect.stringContaining(what) as string };
    expect(report.warnings).toEqual(isOther ? [told] : []);
    await stage.close();
  }
});
