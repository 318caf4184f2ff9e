import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { branchId, commitLog } from '#tests/support/care-stage.ts';
import { openCopyStage } from '#tests/support/copy-stage.ts';
import { sampleSystemId } from '#tests/support/samples.ts';

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
