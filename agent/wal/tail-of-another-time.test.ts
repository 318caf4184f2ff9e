import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runTool } from '#scripts/servers/tool.mjs';
import { openPool } from '#agent/pools/open-pool.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { newId, stageOn } from '#tests/support/log-stage.ts';
import { saveLogTail } from './save-log-tail.ts';

async function tail(stage: LogStage): ReturnType<typeof saveLogTail> {
  const [access] = stage.pools;
  if (access === undefined) return expect.fail('the stage has no pool');
  const pool = await openPool(access);
  const { runId, instance } = stage.order();
  const channel = { putBatch: () => Promise.resolve() };
  const logDirectory = join(stage.server.dataDirectory, 'pg_wal');
  try {
    const deps = { pool, channel, newId, runId, resourceId: instance.resourceId };
    return await saveLogTail(deps, { logDirectory, systemId: stage.systemId }, stage.step);
  } finally {
    await pool.close();
  }
}

test('K-049 the last log of an instance that was put back does not pass for saved because the pool holds other log of its name', async () => {
  const stage = await stageOn(15);
  const { server } = stage;
  const { dataDirectory } = server;
  await server.sql('CREATE TABLE t (a int)');
  await stage.backUp();
  await server.stop();
  await runTool('cp', ['-a', dataDirectory, `${dataDirectory}.snapshot`]);
  expect((await tail(stage)).warnings).toEqual([]);
  await server.start();
  await server.sql('INSERT INTO t SELECT generate_series(1, 1000)');
  await stage.backUp();
  await server.stop();
  renameSync(dataDirectory, `${dataDirectory}.abandoned`);
  renameSync(`${dataDirectory}.snapshot`, dataDirectory);
  await server.start();
  await server.sql('INSERT INTO t SELECT generate_series(1, 10)');
  await server.stop();
  const { segments, warnings } = await tail(stage);
  expect({ segments, codes: warnings.map(({ code }) => code) }).toEqual({ segments: 0, codes: ['log_tail_unsaved'] });
});
