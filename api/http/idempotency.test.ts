import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listRuns, runShape } from '#catalog/runs/runs.ts';
import type { Answered, TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost } from '#tests/support/api-fixtures.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  await newHost(api, 'db1');
});
afterAll(() => api.close());

const body = { kind: 'no-op', host: 'db1', seconds: 0 };
const ask = (key: string, asked: unknown = body): Promise<Answered> =>
  api.ask('POST', '/api/v1/runs', asked, { headers: { 'idempotency-key': key } });
const idOf = (answer: Answered): string => runShape.parse(answer.body).id;

test('a repeated request with the same Idempotency-Key acts once', async () => {
  const key = randomUUID();
  const first = await ask(key);
  const again = await ask(key);
  expect(idOf(again)).toBe(idOf(first));
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect((await ask(key, { ...body, seconds: 5 })).body).toMatchObject({ code: 'idempotency_conflict' });
  expect((await api.ask('POST', '/api/v1/restores', {})).body).toMatchObject({ code: 'key_required' });
});

test('a repeat finds the run of an API that was killed before it answered, at once and after any time', async () => {
  const { catalog } = api.store;
  // What a kill leaves: the run is recorded, its answer is not.
  await catalog.change("create function unsaid() returns trigger language plpgsql as 'begin return null; end'");
  await catalog.change(
    'create trigger killed before update on idempotency_key for each row when (new.status is not null) execute function unsaid()',
  );
  const key = randomUUID();
  const first = idOf(await ask(key));
  await catalog.change('drop trigger killed on idempotency_key');
  const count = (await listRuns(catalog, { limit: 200 })).data.length;
  const again = await ask(key);
  expect(again).toMatchObject({ status: 202, body: { id: first } });
  expect(again.headers.get('location')).toBe(`/api/v1/runs/${first}`);
  await catalog.change("update idempotency_key set created_at = now() - interval '11 minutes' where key = $1", [key]);
  expect(idOf(await ask(key))).toBe(first);
  expect((await ask(key, { ...body, seconds: 5 })).body).toMatchObject({ code: 'idempotency_conflict' });
  expect((await listRuns(catalog, { limit: 200 })).data).toHaveLength(count);
});

test('a key whose server was killed before it did anything is free within a minute, one that is being served is not', async () => {
  const { catalog } = api.store;
  const key = randomUUID();
  await ask(key);
  // What a kill leaves: the key is taken, and nobody says that it is being served.
  const leave = (held: string): Promise<number> =>
    catalog.change(
      `update idempotency_key set status = null, response = null, held_at = now() - interval '${held}' where key = $1`,
      [key],
    );
  await leave('20 seconds');
  expect((await ask(key)).body).toMatchObject({ code: 'idempotency_in_flight' });
  await leave('31 seconds');
  expect(await ask(key)).toMatchObject({ status: 202 });
});

test('a request that lost its key to another one records no run', async () => {
  const { catalog } = api.store;
  // Whatever records a run under a key finds that another request holds it by now.
  await catalog.change(
    "create function robbed() returns trigger language plpgsql as $$begin new.holder := 'another'; return new; end$$",
  );
  await catalog.change('create trigger robbed before insert on idempotency_key for each row execute function robbed()');
  const count = (await listRuns(catalog, { limit: 200 })).data.length;
  expect((await ask(randomUUID())).body).toMatchObject({ code: 'idempotency_in_flight' });
  await catalog.change('drop trigger robbed on idempotency_key');
  expect((await listRuns(catalog, { limit: 200 })).data).toHaveLength(count);
});
