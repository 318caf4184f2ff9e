import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost } from '#tests/support/api-fixtures.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  await newHost(api, 'db1');
});
afterAll(() => api.close());

const documentShape = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ requestBody: z.unknown().optional() }))),
});
const methods = { post: 'POST', put: 'PUT' } as const;
let asks = 0;
const ask = async (method: string, path: string, body: unknown) => {
  asks += 1;
  const headers = { 'idempotency-key': `strict-${String(asks)}` };
  return (await api.ask(method, path, body, { headers })).body;
};

test('every route for people and programs refuses a part of its body that it does not know, before anything else', async () => {
  const { paths } = documentShape.parse((await api.ask('GET', '/openapi.json')).body);
  const asked = Object.entries(paths).flatMap(([path, operations]) =>
    (['post', 'put'] as const).flatMap((name) =>
      operations[name]?.requestBody === undefined || path.startsWith('/agent/')
        ? []
        : [{ path, method: methods[name] }],
    ),
  );
  expect(asked.length).toBeGreaterThan(30);
  const lenient: string[] = [];
  for (const { path, method } of asked) {
    const answer = await ask(method, path.replaceAll(/\{\w+\}/g, 'x'), { noSuchPart: 1 });
    const { data } = z.looseObject({ code: z.string() }).safeParse(answer);
    if (data?.code !== 'body_part_unknown') lenient.push(`${method} ${path} ${data?.code ?? ''}`);
  }
  expect(lenient).toEqual([]);
});

test('every route for people and programs refuses a parameter that it does not know, and names those that it does', async () => {
  const { paths } = documentShape.parse((await api.ask('GET', '/openapi.json')).body);
  // What everybody may ask is asked by probes, which know nothing of us.
  const forAll = ['/openapi.json', '/healthz', '/readyz', '/version'];
  const lenient: string[] = [];
  for (const [path, operations] of Object.entries(paths)) {
    if (path.startsWith('/agent/') || forAll.includes(path)) continue;
    for (const method of ['get', 'post', 'put', 'delete'].filter((name) => name in operations)) {
      const asked = `${path.replaceAll(/\{\w+\}/g, 'x')}?noSuchPart=1`;
      const sent = method === 'post' || method === 'put' ? {} : undefined;
      const answer = await ask(method.toUpperCase(), asked, sent);
      const { data } = z.looseObject({ code: z.string() }).safeParse(answer);
      if (data?.code !== 'query_part_unknown') lenient.push(`${method} ${path} ${data?.code ?? ''}`);
    }
  }
  expect(lenient).toEqual([]);
  const { body } = await api.ask('GET', '/api/v1/runs?resurce=main');
  expect(body).toMatchObject({ code: 'query_part_unknown', hint: expect.stringContaining('resource') as string });
});

test('a misspelt part is refused with the one that was meant, however deep, and in the work of a job', async () => {
  const plan = { type: 'manual' };
  const work = { kind: 'no-op', host: 'db1', secconds: 1 };
  expect(await ask('POST', '/api/v1/jobs', { name: 'a', plan, work })).toMatchObject({
    ...{ code: 'body_part_unknown', status: 400 },
    params: { part: 'work.secconds', near: expect.stringContaining('work.seconds') as string },
  });
  const backup = { kind: 'full-backup', resource: 'main', pool: 'near', options: { chanels: 2 } };
  expect(await ask('POST', '/api/v1/runs', backup)).toMatchObject({
    ...{ code: 'body_part_unknown', hint: expect.stringContaining('options.channels') as string },
    params: { part: 'options.chanels' },
  });
  expect((await api.ask('GET', '/api/v1/jobs/a')).status).toBe(404);
});
