import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { HoldfastClient } from '#scripts/demo/holdfast-client.ts';
import type { Folder } from '#tests/support/folder.ts';
import { openFolder } from '#tests/support/folder.ts';
import { eventually } from '#tests/support/orchestra.ts';
import { engineTitle, firstDatabase } from '#tests/support/platform-instance.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';
import type { WebhookReceiver } from '#tests/support/webhook-receiver.ts';
import { openWebhookReceiver } from '#tests/support/webhook-receiver.ts';

let platform: Platform;
let receiver: WebhookReceiver;
let folder: Folder;
const runShape = z.looseObject({ id: z.string(), jobId: z.string(), state: z.string() });
const jobShape = z.looseObject({ id: z.string(), nextRuns: z.array(z.string()) });
const addedShape = z.looseObject({ secret: z.string() });
const refusedNow = (): string => join(folder.path, 'not-now');
const diary = (): readonly string[] =>
  readFileSync(join(folder.path, 'diary'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim());

beforeAll(async () => {
  folder = openFolder('hf-job-');
  const scripts = join(folder.path, 'scripts');
  mkdirSync(scripts, { mode: 0o755 });
  const tell = `echo "$HOLDFAST_HOOK $HOLDFAST_RESOURCE $HOLDFAST_OUTCOME" >> ${join(folder.path, 'diary')}`;
  writeFileSync(join(scripts, 'tell.sh'), `#!/bin/sh\necho script heard\n${tell}\n`, { mode: 0o755 });
  const ask = `#!/bin/sh\n${tell}\n[ ! -e ${refusedNow()} ]\n`;
  writeFileSync(join(scripts, 'ask.sh'), ask, { mode: 0o755 });
  writeFileSync(refusedNow(), '');
  receiver = await openWebhookReceiver();
  platform = await openPlatform({ env: { HOLDFAST_NOTICE_ALLOW: '127.0.0.1', HOLDFAST_AGENT_SCRIPTS: scripts } });
  await platform.localPool('vault');
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
});
afterAll(async () => {
  await platform.close();
  receiver.close();
  folder.remove();
});

const start = async (): Promise<z.output<typeof runShape>> =>
  runShape.parse(await platform.done(['job', 'start', 'nightly', '--wait']));

/** What Temporal shows of workflows: whether the first is over, by what it is found, and the events of all. */
async function inTemporal(...ids: readonly string[]) {
  const connection = await Connection.connect({ address: platform.stack.places.temporalAddress });
  try {
    const { workflow } = new Client({ connection });
    const all = await Promise.all(ids.map((id) => workflow.getHandle(id).describe()));
    const [run] = all;
    return {
      state: run?.status.name,
      found: Object.fromEntries((run?.typedSearchAttributes.getAll() ?? []).map(({ key, value }) => [key.name, value])),
      events: all.reduce((sum, { historyLength }) => sum + historyLength, 0),
    };
  } finally {
    await connection.close();
  }
}

test(`K-051 K-057 K-084 K-087 K-088 a job with a plan asks, backs up between its scripts and tells its outcome to everybody: ${engineTitle}`, async () => {
  const { url, heard } = receiver;
  const { secret } = addedShape.parse(
    await platform.done(['webhook', 'add', 'ops', '--url', url, '--events', 'run.succeeded']),
  );
  receiver.takeThoseOf(secret);
  const plan = ['--plan', 'daily', '--at', '01:30', '--zone', 'Asia/Shanghai'];
  const hooks = ['--precondition', 'ask.sh', '--before', 'tell.sh', '--after', 'tell.sh'];
  const backup = ['--resource', 'main', '--pool', 'vault', '--type', 'full', '--archive-retention', 'keep'];
  const archive = ['--archive-directory', platform.instance.archiveDirectory];
  const job = jobShape.parse(
    await platform.done(['job', 'create', 'backup', 'nightly', ...backup, ...archive, ...plan, ...hooks]),
  );
  expect(job.nextRuns).toHaveLength(10);

  // "Not now" is no failure: nothing is done, and nobody is told of a success.
  const { exit, refusal } = await platform.holdfast(['job', 'start', 'nightly', '--wait']);
  expect({ exit, refusal }).toMatchObject({ exit: 3, refusal: { code: 'precondition_false' } });
  expect(diary()).toEqual(['precondition main']);
  rmSync(refusedNow());
  const run = await start();
  expect(run).toMatchObject({ state: 'succeeded', jobId: job.id });
  expect(diary().slice(1)).toEqual(['precondition main', 'before main', 'after main succeeded']);

  await eventually(() => heard.length === 1);
  expect(heard).toMatchObject([{ type: 'run.succeeded', runId: run.id }]);
  const { places } = platform.stack;
  const log = await new HoldfastClient(places.apiUrl, places.adminTokenPath).get(`/runs/${run.id}/logs?limit=500`);
  expect(JSON.stringify(log)).toContain('before script: script heard');
  const token = readFileSync(places.adminTokenPath, 'utf8').trim();
  const metrics = await fetch(`${places.apiUrl}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect(await metrics.text()).toMatch(/kind="full-backup",state="succeeded"\} 1$/m);

  const { state, found } = await inTemporal(`run:${run.id}`);
  expect(state).toBe('COMPLETED');
  expect(found).toMatchObject({
    ...{ HoldfastKind: 'full-backup', HoldfastState: 'succeeded', HoldfastJob: job.id },
    ...{
      HoldfastResource: expect.stringMatching(/^res_/) as unknown,
      HoldfastPool: expect.stringMatching(/^pool_/) as unknown,
    },
  });
});

const warnedShape = z.looseObject({
  ...{ id: z.string(), state: z.string(), resourceId: z.string() },
  outcome: z.looseObject({ warnings: z.array(z.looseObject({ code: z.string(), detail: z.string() })) }),
});

test(`K-049 K-092 a log backup that cannot count a static table is green with a warning that names it: ${engineTitle}`, async () => {
  const client = await platform.instance.connect();
  try {
    await client.query('create table fixed as select g as id from generate_series(1, 50) g');
    const marked = ['--database', firstDatabase, '--static', 'public.fixed'];
    await platform.done(['canary', 'enable', 'main', ...marked]);
    await client.query('drop table fixed');
    await client.query('create view fixed as select 1 as id');
  } finally {
    await client.end();
  }
  const backup = ['backup', '--type', 'log', '--resource', 'main', '--pool', 'vault', '--archive-retention', 'keep'];
  const archive = ['--archive-directory', platform.instance.archiveDirectory];
  const { id, state, outcome, resourceId } = warnedShape.parse(await platform.done([...backup, ...archive, '--wait']));
  expect(state).toBe('warned');
  expect(outcome.warnings).toMatchObject([{ code: 'static_table_uncounted' }]);
  expect(outcome.warnings[0]?.detail).toContain('public.fixed');
  expect((await inTemporal(`run:${id}`, `work:${resourceId}:log`)).events).toBeLessThanOrEqual(60);
});
