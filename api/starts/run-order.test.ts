import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { getJobOfRun } from '#catalog/runs/jobs-of-runs.ts';
import { moveRun } from '#catalog/runs/runs.ts';
import type { RunId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import type { Answered, TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { openKeyFiles } from '#wire/key-files.ts';
import { openPayloadCodec } from '#wire/payload-codec.ts';

let api: TestApi;
let host: Awaited<ReturnType<typeof newHost>>;
let other: Awaited<ReturnType<typeof newHost>>;
beforeAll(async () => {
  api = await openTestApi();
  host = await newHost(api, 'db1');
  other = await newHost(api, 'db2');
  await newResource(api, { name: 'orders', hostId: host.id });
  await newPool(api, 'main', host.id);
});
afterAll(() => api.close());

const hooks = {
  precondition: { script: 'is-quiet.sh', args: ['30'] },
  after: { script: 'resume.sh', timeoutSeconds: 10, onFailure: 'fail' },
};
const runShape = z.looseObject({
  id: z.string(),
  jobId: z.string(),
  trigger: z.string(),
  setId: z.string().nullable(),
});
const runOf = ({ body }: Answered) => runShape.parse(body);
const backup = async (more: object = {}): Promise<RunId> => {
  const body = { kind: 'full-backup', resource: 'orders', pool: 'main', whenBusy: 'wait', hooks, ...more };
  return parseId('run', runOf(await api.ask('POST', '/api/v1/runs', body)).id);
};

test('K-087 K-088 the host of a run, and no other, gets the scripts of its job and what they are told', async () => {
  const run = await backup({ verifyAfter: 'quick' });
  const { status, body } = await api.ask('GET', `/agent/v1/hooks/${run}`, undefined, { as: host.key });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    hooks: {
      precondition: { script: 'is-quiet.sh', args: ['30'], timeoutSeconds: 300, onFailure: 'fail' },
      after: { script: 'resume.sh', args: [], timeoutSeconds: 10, onFailure: 'fail' },
    },
    facts: { runId: run, hostId: host.id, jobName: 'full-backup of orders', kind: 'full-backup', resource: 'orders' },
  });
  expect((await api.ask('GET', `/agent/v1/hooks/${run}`, undefined, { as: other.key })).status).toBe(403);
});

test('K-087 a script outside of the allowed directory by its very name is refused where it is typed', async () => {
  const body = { kind: 'full-backup', resource: 'orders', pool: 'main', hooks: { before: { script: '../x' } } };
  expect((await api.ask('POST', '/api/v1/runs', body)).status).toBe(400);
});

test('a run that is over is tried again as its job was then; one that is not over is not', async () => {
  const run = await backup();
  expect((await api.ask('POST', `/api/v1/runs/${run}/retry`)).body).toMatchObject({ code: 'run_still_open' });
  await moveRun(api.store.catalog, run, 'cancelled', {
    state: 'cancelled',
    code: 'cancelled',
    params: {},
    message: 'x',
  });
  const answer = await api.ask('POST', `/api/v1/runs/${run}/retry`);
  expect(answer.status).toBe(202);
  const again = runOf(answer);
  const first = await getJobOfRun(api.store.catalog, run);
  expect(await getJobOfRun(api.store.catalog, parseId('run', again.id))).toEqual(first);
  expect([again.trigger, again.jobId]).toEqual(['retry', first.id]);
  expect(again.setId).toMatch(/^set_/);
  const lines = z.looseObject({ data: z.array(z.looseObject({ message: z.string() })) });
  const { data } = lines.parse((await api.ask('GET', `/api/v1/runs/${again.id}/logs`)).body);
  expect(data.map(({ message }) => message)).toContain(`tries ${run} again`);
});

const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{"said":"in clear"}') };
const web = { origin: 'http://127.0.0.1:8233' };

test('Temporal Web reads sealed payloads through the codec endpoint, from its own address and with a token alone', async () => {
  const [sealed] = await openPayloadCodec(openKeyFiles(api.home)).encode([payload]);
  const metadata = Object.fromEntries(
    Object.entries(sealed?.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  );
  const body = { payloads: [{ metadata, data: Buffer.from(sealed?.data ?? []).toString('base64') }] };
  const opened = await api.ask('POST', '/codec/v1/decode', body, { headers: web });
  expect(opened.status).toBe(200);
  expect(opened.headers.get('access-control-allow-origin')).toBe(web.origin);
  const [said] = z.object({ payloads: z.array(z.object({ data: z.string() })) }).parse(opened.body).payloads;
  expect(Buffer.from(said?.data ?? '', 'base64').toString()).toBe('{"said":"in clear"}');
  const foreign = await api.ask('POST', '/codec/v1/decode', body, { headers: { origin: 'https://elsewhere.example' } });
  expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  expect((await api.ask('POST', '/codec/v1/decode', body, { as: '', headers: web })).status).toBe(401);
  const asked = await fetch(`${api.url}/codec/v1/decode`, { method: 'OPTIONS', headers: web });
  expect([asked.status, asked.headers.get('access-control-allow-headers')]).toEqual([
    ...[204, 'authorization, content-type, x-namespace'],
  ]);
});
