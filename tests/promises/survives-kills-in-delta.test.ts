import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { proveTables } from '#scripts/demo/workload.ts';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import type { KillStage } from '#tests/support/kill-stage.ts';
import { copyDirectory, killAndRestart, openKillStage, runTimeoutMs, untilOver } from '#tests/support/kill-stage.ts';

let stage: KillStage;
beforeAll(async () => {
  stage = await openKillStage();
});
afterAll(async () => {
  await stage.close();
});

test('D-013 a table of a set is extracted by a run, found by its name in the catalog', async () => {
  const directory = copyDirectory(stage, 'look');
  const path = `/backup-sets/${stage.firstSet}/extract`;
  const { id } = await stage.api.post<{ id: string }>(path, { what: 'public.customer', directory });
  const { run } = await untilOver(stage, id);
  expect(run).toMatchObject({ kind: 'extract-set', state: 'succeeded' });
  const { rows } = await stage.sql.query<{ path: string }>(`select pg_relation_filepath('customer') as path`);
  expect(readFileSync(join(directory, rows[0]?.path ?? '')).length % 8192).toBe(0);
});

test('K-098 a delta restore whose agent is killed in the middle goes on, and gives the content of the set', async () => {
  await stage.sql.query('update photo set id = -id');
  await stage.sql.query('checkpoint');
  await stage.sql.end();
  await stage.stack.childOf('demo-instance').stop();
  const control = join(stage.source.dataDirectory, 'global', 'pg_control');
  const body = {
    ...{ resource: 'source', target: { at: 'immediate', setId: stage.firstSet } },
    place: { kind: 'in-place', consent: 'overwrite source' },
    options: { channels: 2, limits: { diskBytesPerSecond: 4_000_000 }, ways: { isDelta: true } },
  };
  const { id } = await stage.api.post<{ id: string }>('/restores', body);
  await pollUntil(() => Promise.resolve(!existsSync(control) || undefined), {
    what: 'the place without its control file',
    timeoutMs: runTimeoutMs,
  });
  await killAndRestart(stage, 'agent');
  expect(existsSync(control)).toBe(false);
  const { run: ended } = await untilOver(stage, id);
  expect(ended.state, JSON.stringify(ended.outcome)).toBe('warned');
  const sql = await stage.source.connect();
  expect(await proveTables(sql)).toEqual(stage.content);
  await sql.end();
});
