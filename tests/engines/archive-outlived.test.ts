import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { coverage } from '#core/log/coverage.ts';
import { runTool } from '#scripts/servers/tool.mjs';
import { archived, stageOn, writeRows } from '#tests/support/log-stage.ts';

test('K-049 log of a server that was put back without its archive is not called known up to now', async () => {
  const stage = await stageOn(15);
  const { server } = stage;
  await writeRows(stage);
  await stage.backUp();
  await server.stop();
  const snapshot = join(server.folder, 'snapshot');
  await runTool('cp', ['-a', server.dataDirectory, snapshot]);
  await server.start();
  await writeRows(stage);
  await stage.backUp();
  await server.stop();
  renameSync(server.dataDirectory, `${server.dataDirectory}.abandoned`);
  renameSync(snapshot, server.dataDirectory);
  await server.start();
  await server.sql('CREATE TABLE present AS SELECT 1 AS a');
  const { coveredUntil } =
    coverage({ sets: [], batches: stage.told }).branches[0]?.stretches[0] ?? expect.fail('no log');
  await expect(stage.backUp()).rejects.toMatchObject({ code: 'log_duplicate_differs' });
  expect(coverage({ sets: [], batches: stage.told }).branches[0]?.stretches[0]?.coveredUntil).toBe(coveredUntil);
});

test('K-049 an archived file that was damaged after its backup parts nothing: log behind it goes on from what the pool has', async () => {
  const stage = await stageOn(15);
  await writeRows(stage);
  await stage.backUp();
  const [name = ''] = archived(stage).slice(-1);
  const file = join(stage.server.archiveDirectory, name);
  const good = readFileSync(file);
  // As after a crash of the host, before what the archive command copied had reached the disk.
  writeFileSync(file, Buffer.concat([good.subarray(0, 8192), Buffer.alloc(good.length - 8192)]));
  await writeRows(stage);
  await expect(stage.backUp()).rejects.toMatchObject({ code: 'log_duplicate_differs' });
  await expect(stage.backUp()).rejects.toMatchObject({ code: 'log_duplicate_differs' });
  expect(coverage({ sets: [], batches: stage.told }).branches[0]?.gaps).toEqual([]);
});
