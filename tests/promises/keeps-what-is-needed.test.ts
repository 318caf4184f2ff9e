import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Platform } from '#tests/support/platform.ts';
import { contentOf, openPlatform, setsIn } from '#tests/support/platform.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';

let platform: Platform;
let pool: string;
const sets: string[] = [];

const runShape = z.looseObject({ id: z.string(), setId: z.string().nullable().optional() });
const planShape = z.looseObject({
  planId: z.string(),
  sets: z.array(
    z.looseObject({ setId: z.string(), isDeleted: z.boolean(), reasons: z.array(z.looseObject({ code: z.string() })) }),
  ),
  log: z.array(z.looseObject({ isDeleted: z.boolean(), batches: z.array(z.string()) })),
});
type Plan = z.output<typeof planShape>;

const backup = async (type: 'full' | 'differential' | 'log'): Promise<string> => {
  const run = await platform.done([
    ...['backup', '--type', type, '--resource', 'main', '--pool', 'kept', '--archive-retention', 'keep'],
    ...['--archive-directory', platform.instance.archiveDirectory, '--wait'],
  ]);
  return runShape.parse(run).setId ?? '';
};

const plan = async (): Promise<Plan> =>
  planShape.parse(await platform.done(['retention', 'plan', '--resource', 'main', '--pool', 'kept']));
const deleted = ({ sets: all }: Plan): readonly string[] =>
  all.filter(({ isDeleted }) => isDeleted).map(({ setId }) => setId);
const reasonsOf = ({ sets: all }: Plan, setId: string | undefined): readonly string[] =>
  all.find((one) => one.setId === setId)?.reasons.map(({ code }) => code) ?? [];

beforeAll(async () => {
  platform = await openPlatform();
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  pool = await platform.localPool('kept');
  const client = await platform.instance.connect();
  await client.query('create table ledger as select g as id, md5(g::text) as word from generate_series(1, 5000) g');
  sets.push(await backup('full'));
  await client.query(`update ledger set word = 'first'`);
  await backup('log');
  sets.push(await backup('differential'));
  await client.query(`update ledger set word = 'second'`);
  sets.push(await backup('full'));
  await backup('log');
  await client.end();
});
afterAll(async () => {
  await platform.close();
});

test('nothing expires without a policy, and a plan without one says how to set it', async () => {
  const refusal = await platform.refused(3, ['retention', 'plan', '--resource', 'main', '--pool', 'kept']);
  expect(refusal.code).toBe('retention_not_set');
  const bad = ['retention', 'set', '--resource', 'main', '--pool', 'kept', '--daily', '1', '--zone', 'Nowhere/Town'];
  expect(await platform.refused(2, bad)).toMatchObject({ code: 'retention_policy_bad' });
  await platform.done(['retention', 'set', '--resource', 'main', '--pool', 'kept', '--fulls', '1']);
  expect(await platform.done(['retention', 'show'])).toMatchObject([
    { resourceName: 'main', policy: { rule: { count: 1 } } },
  ]);
});

test('a plan names a reason for every set and touches nothing; a hold, a pin and a new set outdate it', async () => {
  const before = contentOf(pool);
  const shown = await plan();
  expect([...deleted(shown)].sort()).toEqual(sets.slice(0, 2).sort());
  expect(reasonsOf(shown, sets[2])).toContain('newest-good');
  for (const one of shown.sets) expect(one.reasons.length).toBeGreaterThan(0);
  expect(contentOf(pool)).toEqual(before);
  await platform.done(['set', 'hold', sets[1] ?? '', '--reason', 'case 17']);
  const refusal = await platform.refused(3, ['retention', 'run', '--plan', shown.planId, '--wait']);
  expect(refusal).toMatchObject({ code: 'plan_outdated' });
  const again = await plan();
  expect(deleted(again)).toEqual([]);
  expect(reasonsOf(again, sets[1])).toContain('held');
  expect(reasonsOf(again, sets[0])).toContain('base-of');
});

test('marks survive a rebuilt catalog: a set under legal hold is held again', async () => {
  await platform.done(['set', 'pin', sets[0] ?? '', '--until', '2099-01-01 00:00:00Z', '--reason', 'audit']);
  const catalog = await platform.stack.places.catalog.connect('holdfast');
  for (const table of ['set_mark', 'backup_set', 'log_batch']) await catalog.query(`delete from ${table}`);
  await catalog.end();
  expect(await platform.done(['catalog', 'rebuild', '--pool', 'kept', '--wait'])).toMatchObject({
    outcome: { result: { sets: 3, marks: 2 } },
  });
  expect(await platform.done(['set', 'marks', sets[1] ?? ''])).toMatchObject([{ kind: 'hold', text: 'case 17' }]);
  const refusal = await platform.refused(3, ['set', 'rm', sets[1] ?? '']);
  expect(refusal).toMatchObject({ code: 'set_protected', params: { why: 'it is under legal hold: case 17' } });
  await platform.done(['set', 'release', sets[1] ?? '']);
  await platform.done(['set', 'unpin', sets[0] ?? '']);
});

test('a restore that reads a set keeps it: the plan leaves it, says so, and the restore ends right', async () => {
  const shown = await plan();
  expect([...deleted(shown)].sort()).toEqual(sets.slice(0, 2).sort());
  const to = join(platform.folder, 'slow-copy');
  const restore = ['restore', 'run', '--resource', 'main', '--set', sets[1] ?? '', '--immediate', '--to', to];
  const { id } = runShape.parse(await platform.done([...restore, '--limit-transfer', '100KiB/s']));
  const catalog = await platform.stack.places.catalog.connect('holdfast');
  const leases = `select set_id from set_lease where run_id = '${id}'`;
  expect(await waitFor(async () => (await catalog.query(leases)).rowCount === 2, 30_000)).toBe(true);
  await catalog.end();
  const run = await platform.done(['retention', 'run', '--plan', shown.planId, '--wait']);
  expect(run).toMatchObject({ state: 'warned', outcome: { result: { sets: 0 } } });
  expect(JSON.stringify(run)).toContain(`run ${id} reads it`);
  expect(setsIn(pool)).toEqual([...sets].sort());
  await platform.done(['run', 'limit', id, '--transfer', '0']);
  expect(await platform.done(['run', 'watch', id])).toMatchObject({ state: 'succeeded' });
});

test('a plan is executed exactly, once; what stays is restored as before and the log it needs is there', async () => {
  const shown = await plan();
  const goes = shown.log.filter(({ isDeleted }) => isDeleted).flatMap(({ batches }) => batches);
  expect(goes.length).toBeGreaterThan(0);
  const run = await platform.done(['retention', 'run', '--plan', shown.planId, '--wait']);
  expect(run).toMatchObject({
    state: 'succeeded',
    kind: 'care',
    outcome: { result: { sets: 2, batches: goes.length } },
  });
  expect(setsIn(pool)).toEqual([sets[2]]);
  expect(readdirSync(join(pool, 'sets'))).toEqual(expect.arrayContaining([sets[2]]));
  const left = contentOf(pool).map((line) => line.split(' ')[0] ?? '');
  for (const id of [...sets.slice(0, 2), ...goes]) expect(left.filter((name) => name.includes(id))).toEqual([]);
  expect(await platform.refused(3, ['retention', 'run', '--plan', shown.planId, '--wait'])).toMatchObject({
    code: 'plan_outdated',
  });
  expect(deleted(await plan())).toEqual([]);
  const timelines = await platform.done(['timeline', 'main']);
  expect(timelines).toMatchObject([{ timeline: { branches: [{ gaps: [] }] } }]);
  const to = join(platform.folder, 'copy');
  const restore = ['restore', 'run', '--resource', 'main', '--latest', '--to', to, '--wait'];
  expect(await platform.done(restore)).toMatchObject({
    outcome: { state: expect.stringMatching(/succeeded|warned/) as string },
  });
  expect(await platform.done(['set', 'verify', sets[2] ?? '', '--wait'])).toMatchObject({ state: 'succeeded' });
  const rebuilt = await platform.done(['catalog', 'rebuild', '--pool', 'kept', '--wait']);
  expect(rebuilt).toMatchObject({ state: 'succeeded', outcome: { result: { sets: 1 } } });
  const { id } = runShape.parse(rebuilt);
  const catalog = await platform.stack.places.catalog.connect('holdfast');
  const said = await catalog.query(`select message from run_event where run_id = '${id}' and level = 'error'`);
  await catalog.end();
  expect(said.rows).toEqual([]);
});

test('one set is removed only by its plan and the typed name of its resource', async () => {
  const [, , last] = sets;
  const shown = planShape.parse(await platform.done(['set', 'rm', last ?? '']));
  const remove = ['set', 'rm', last ?? '', '--plan', shown.planId, '--wait'];
  expect(await platform.refused(3, [...remove, '--consent', 'yes'])).toMatchObject({ code: 'plan_consent' });
  expect(setsIn(pool)).toEqual([last]);
  expect(await platform.done([...remove, '--consent', 'main'])).toMatchObject({ state: 'succeeded' });
  expect(setsIn(pool)).toEqual([]);
  expect(await platform.done(['set', 'ls'])).toEqual([]);
});

test('leftovers of a backup that was cancelled are seen and spared while they are young; what is old goes', async () => {
  const full = ['backup', '--type', 'full', '--resource', 'main', '--pool', 'kept', '--limit-transfer', '200KiB/s'];
  const { id } = runShape.parse(await platform.done(full));
  const pieces = (): number =>
    readdirSync(pool, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('/start')).length;
  expect(await waitFor(() => Promise.resolve(pieces() > 0), 60_000)).toBe(true);
  const alive = await platform.done(['pool', 'gc', 'kept', '--run', '--grace-hours', '1', '--wait']);
  expect(JSON.stringify(alive)).toContain(`run ${id} is at work on this host`);
  await platform.done(['run', 'cancel', id]);
  await platform.holdfast(['run', 'watch', id]);
  const old = join(pool, 'sets', `set_0190${'0'.repeat(28)}`, `try_0190${'0'.repeat(28)}`);
  mkdirSync(old, { recursive: true });
  writeFileSync(join(old, 'piece-000001.bak'), 'left by nobody we know');
  const look = await platform.done(['pool', 'gc', 'kept', '--plan']);
  expect(look).toMatchObject({ outcome: { result: { isDryRun: true, sets: 1, objects: 1 } } });
  expect(existsSync(join(old, 'piece-000001.bak'))).toBe(true);
  const collected = await platform.done(['pool', 'gc', 'kept', '--run', '--wait']);
  expect(collected).toMatchObject({ outcome: { result: { isDryRun: false, sets: 1, objects: 1 } } });
  expect(existsSync(join(old, 'piece-000001.bak'))).toBe(false);
  expect(pieces()).toBe(1);
});
