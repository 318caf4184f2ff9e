import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';
import { connectTo } from '#tests/support/restored-copy.ts';

let platform: Platform;

beforeAll(async () => {
  platform = await openPlatform({ instanceConfig: ['summarize_wal = on', 'autovacuum = off'] });
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  await platform.done(['resource', 'preflight', 'main']);
  await platform.localPool('safe');
  await sql('create table orders (id int primary key, note text)');
  await sql('insert into orders select i, repeat(md5(i::text), 20) from generate_series(1, 40000) i');
  await sql('vacuum analyze orders');
});
afterAll(() => platform.close());

const sql = async (statement: string): Promise<readonly Record<string, unknown>[]> => {
  const client = await platform.instance.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
};
const change = (count: number): Promise<unknown> =>
  sql(`update orders set note = 'changed' where id % ${String(count)} = 0`);

const runShape = z.looseObject({
  id: z.string(),
  kind: z.string(),
  state: z.string(),
  setId: z.string(),
  outcome: z.looseObject({
    result: z.looseObject({ type: z.string(), base: z.string().optional(), changedPages: z.string().optional() }),
    warnings: z.array(z.looseObject({ code: z.string(), detail: z.string() })).default([]),
  }),
});
const backup = async (type: string, ...more: string[]): Promise<z.output<typeof runShape>> =>
  runShape.parse(
    await platform.done(['backup', '--type', type, '--resource', 'main', '--pool', 'safe', '--wait', ...more]),
  );
const setShape = z.looseObject({
  id: z.string(),
  needs: z.array(z.looseObject({ id: z.string() })),
  neededBy: z.array(z.looseObject({ id: z.string() })),
  standing: z.looseObject({ name: z.string(), labels: z.array(z.string()), annotation: z.string() }),
  summary: z.looseObject({ storedBytes: z.number(), rawBytes: z.number() }),
});
const show = async (set: string): Promise<z.output<typeof setShape>> =>
  setShape.parse(await platform.done(['set', 'show', set]));

const sets: string[] = [];
const setAt = (index: number): string => sets[index] ?? 'none';

test('K-048 the first incremental becomes a full and says so', async () => {
  const run = await backup('differential');
  sets.push(run.setId);
  expect(run).toMatchObject({
    kind: 'incremental-backup',
    state: 'warned',
    outcome: {
      result: { type: 'full' },
      warnings: [{ code: 'became_full', detail: expect.stringContaining('no full set') as string }],
    },
  });
});

test('D-023 D-024 D-025 a differential builds on the newest set, a cumulative on the full, and both are small', async () => {
  await change(400);
  const first = await backup('differential');
  await change(300);
  const second = await backup('differential');
  const third = await backup('cumulative');
  sets.push(first.setId, second.setId, third.setId);
  expect(first).toMatchObject({ state: 'succeeded', outcome: { result: { type: 'differential', base: setAt(0) } } });
  expect(second.outcome.result).toMatchObject({ type: 'differential', base: setAt(1), changedPages: 'wal-summary' });
  expect(third.outcome.result).toMatchObject({ type: 'cumulative', base: setAt(0) });
  const shown = await show(setAt(2));
  expect(shown.needs.map(({ id }) => id)).toEqual([setAt(0), setAt(1)]);
  expect((await show(setAt(0))).neededBy.map(({ id }) => id)).toEqual([setAt(1), setAt(2), setAt(3)]);
  const full = await show(setAt(0));
  for (const set of [setAt(1), setAt(2), setAt(3)])
    expect((await show(set)).summary.storedBytes).toBeLessThan(0.3 * full.summary.storedBytes);
});

test('D-024 a set of a chain restores to its own backup state', async () => {
  const [expected] = await sql('select count(*)::int as n, sum(hashtext(note))::text as hash from orders');
  await change(2);
  const directory = join(platform.folder, 'copy');
  const restore = ['--resource', 'main', '--immediate', '--set', setAt(2), '--to', directory];
  const plan = await platform.done(['restore', 'plan', ...restore]);
  expect(plan).toMatchObject({ plan: { chain: [0, 1, 2].map((at) => ({ setId: setAt(at) })) } });
  const run = await platform.done(['restore', 'run', ...restore, '--wait']);
  const copy = await connectTo(run, platform.instance.password);
  try {
    const { rows } = await copy.query('select count(*)::int as n, sum(hashtext(note))::text as hash from orders');
    expect(rows).toEqual([expected]);
  } finally {
    await copy.stop();
  }
});

test('a second backup of a resource is refused with the id of the first, or waits in line for it', async () => {
  const ask = ['backup', '--resource', 'main', '--pool', 'safe'];
  const held = z
    .looseObject({ id: z.string() })
    .parse(await platform.done([...ask, '--type', 'full', '--limit-transfer', '64KiB/s']));
  await expect
    .poll(async () => (await platform.holdfast(['run', 'show', held.id])).out, { timeout: 60_000 })
    .toMatchObject({ run: { state: 'running' } });
  const refusal = await platform.refused(3, [...ask, '--type', 'differential', '--wait']);
  expect(refusal).toMatchObject({ code: 'lane_busy', params: { holder: held.id } });
  const queued = platform.done([...ask, '--type', 'differential', '--queue', '--wait']);
  await platform.done(['run', 'cancel', held.id]);
  expect(runShape.parse(await queued)).toMatchObject({ outcome: { result: { type: 'differential', base: setAt(3) } } });
});

test('what is in a set is listed by file and by table, and two sets are compared', async () => {
  const [row] = await sql("select pg_relation_filepath('orders') as path");
  const path = String(row?.['path']);
  expect(await platform.done(['set', 'show', setAt(2), '--files', '--prefix', path])).toMatchObject({
    files: expect.arrayContaining([expect.objectContaining({ path })]) as unknown,
  });
  expect(await platform.done(['set', 'show', setAt(2), '--tables'])).toMatchObject({
    tables: expect.arrayContaining([expect.objectContaining({ path, name: 'postgres.public.orders' })]) as unknown,
    naming: expect.stringContaining('now') as string,
  });
  const difference = z
    .looseObject({ files: z.array(z.looseObject({ path: z.string(), change: z.string() })), changed: z.number() })
    .parse(await platform.done(['set', 'diff', setAt(1), setAt(2)]));
  expect(difference.files).toContainEqual(expect.objectContaining({ path, change: 'changed' }));
});

/** Loses what the catalog knows of sets, as if it had been restored from an old backup of itself. */
async function forgetSets(): Promise<void> {
  const client = new pg.Client({ connectionString: platform.stack.places.catalog.urlOf('holdfast') });
  await client.connect();
  for (const table of ['set_mark', 'backup_set', 'log_batch']) await client.query(`delete from ${table}`);
  await client.end();
}

test('names, annotations and labels stay with the set when the catalog is rebuilt from the pool', async () => {
  await platform.done(['set', 'name', setAt(2), 'before the release']);
  await platform.done(['set', 'annotate', setAt(2), 'kept for the audit']);
  await platform.done(['set', 'label', setAt(2), 'release=7.2', 'audit']);
  await platform.done(['set', 'label', setAt(2), 'audit', '--remove']);
  const said = { name: 'before the release', labels: ['release=7.2'], annotation: 'kept for the audit' };
  expect((await show(setAt(2))).standing).toMatchObject(said);
  await forgetSets();
  await platform.refused(2, ['set', 'show', setAt(2)]);
  await platform.done(['catalog', 'rebuild', '--pool', 'safe', '--wait']);
  expect(await show(setAt(2))).toMatchObject({ standing: said, needs: [{ id: setAt(0) }, { id: setAt(1) }] });
});

test('a quarantined base takes all that builds on it out of use, and the next incremental goes around it', async () => {
  await platform.done(['set', 'quarantine', setAt(1), '--reason', 'under suspicion']);
  const restore = ['restore', 'plan', '--resource', 'main', '--to', join(platform.folder, 'other'), '--immediate'];
  const refusal = await platform.refused(3, [...restore, '--set', setAt(2)]);
  expect(refusal).toMatchObject({
    code: 'restore_set_unusable',
    params: { setId: setAt(2), reason: `it builds on ${setAt(1)}: it is quarantined: under suspicion` },
  });
  await platform.done(['set', 'quarantine', setAt(0)]);
  expect(await backup('differential')).toMatchObject({
    outcome: { result: { type: 'full' }, warnings: [{ detail: expect.stringContaining('quarantined') as string }] },
  });
});

const mergeShape = z.looseObject({ setId: z.string(), state: z.string(), kind: z.string() });

test('a merged set is a full of its own: it restores when all that it was made of may not be read any more', async () => {
  await platform.refused(2, ['set', 'merge', setAt(0), '--wait']);
  const refusal = await platform.refused(3, ['set', 'merge', setAt(2), '--wait']);
  expect(refusal).toMatchObject({ code: 'set_merge_unusable', params: { set: setAt(2) } });
  await change(7);
  const top = await backup('differential');
  const expected = await sql('select count(*)::int as n, sum(hashtext(note))::text as hash from orders');
  const merge = ['set', 'merge', top.setId, '--name', 'monthly', '--channels', '2', '--wait'];
  const merged = mergeShape.parse(await platform.done(merge));
  expect(merged).toMatchObject({ kind: 'merge-set', state: 'succeeded' });
  expect(await show(merged.setId)).toMatchObject({
    needs: [],
    standing: { name: 'monthly' },
    summary: { type: 'full', mergedFrom: { setId: top.setId } },
  });
  for (const set of [top.setId, top.outcome.result.base ?? '']) await platform.done(['set', 'quarantine', set]);
  expect((await backup('differential')).outcome.result).toMatchObject({ type: 'differential', base: merged.setId });
  const directory = join(platform.folder, 'merged');
  const restore = ['--resource', 'main', '--immediate', '--set', merged.setId, '--to', directory];
  const copy = await connectTo(
    await platform.done(['restore', 'run', ...restore, '--wait']),
    platform.instance.password,
  );
  try {
    const { rows } = await copy.query('select count(*)::int as n, sum(hashtext(note))::text as hash from orders');
    expect(rows).toEqual(expected);
  } finally {
    await copy.stop();
  }
});
