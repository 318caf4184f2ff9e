import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Platform, Refusal } from '#tests/support/platform.ts';
import { contentOf, openPlatform } from '#tests/support/platform.ts';

let platform: Platform;
let pool: string;
let sql: Client;
/** Instants by what they lie in. */
const at: Record<'beforeSet' | 'covered' | 'gap', string> = { beforeSet: '', covered: '', gap: '' };

const backup = (type: 'full' | 'log'): Promise<unknown> =>
  platform.done([
    ...['backup', '--type', type, '--resource', 'main', '--pool', 'vault', '--archive-retention', 'keep'],
    ...['--archive-directory', platform.instance.archiveDirectory, '--wait'],
  ]);

/** A commit, and its time as the server wrote it. */
async function commit(word: string): Promise<string> {
  await sql.query('insert into ledger values ($1)', [word]);
  const { rows } = await sql.query<{ at: string }>(
    `select to_char((last).timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from (select pg_last_committed_xact() as last) as x`,
  );
  return rows[0]?.at ?? '';
}

/** Ends the segment that is written and waits until it is archived; its name. */
async function archive(): Promise<string> {
  const { rows } = await sql.query<{ name: string }>('select pg_walfile_name(pg_current_wal_lsn()) as name');
  const name = rows[0]?.name ?? '';
  await sql.query('select pg_switch_wal()');
  expect(await waitFor(() => readdirSync(platform.instance.archiveDirectory).includes(name), 20_000)).toBe(true);
  return name;
}

beforeAll(async () => {
  platform = await openPlatform({ instanceConfig: ['track_commit_timestamp = on'] });
  pool = await platform.localPool('vault');
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  sql = await platform.instance.connect();
  await sql.query('create table ledger (word text)');
  at.beforeSet = await commit('before the set');
  await backup('full');
  at.covered = await commit('covered');
  await backup('log');
  at.gap = await commit('in the gap');
  const lost = await archive();
  await commit('after the gap');
  await archive();
  rmSync(join(platform.instance.archiveDirectory, lost));
  expect(await backup('log')).toMatchObject({ state: 'warned', outcome: { warnings: [{ code: 'log_gap' }] } });
});
afterAll(async () => {
  await sql.end();
  await platform.close();
});

const copy = (): string => join(platform.folder, 'copy');
const plan = (...more: string[]): string[] => ['restore', 'plan', '--resource', 'main', '--to', copy(), ...more];
const restore = (...more: string[]): string[] => ['restore', 'run', '--resource', 'main', '--wait', ...more];

/** Refused when it is planned and when it is run; neither pool nor target is touched. */
async function refusedTwice(exit: number, ...target: string[]): Promise<Refusal> {
  const before = contentOf(pool);
  const refusal = await platform.refused(exit, plan(...target));
  expect(await platform.refused(exit, restore('--to', copy(), ...target))).toEqual(refusal);
  expect(readdirSync(platform.folder)).not.toContain('copy');
  expect(contentOf(pool)).toEqual(before);
  return refusal;
}

test('K-096 a point in missing log is refused with the nearest points on both sides', async () => {
  expect(await platform.done(plan('--at', at.covered))).toMatchObject({ plan: { asked: { at: 'time' } } });
  const refusal = await refusedTwice(3, '--at', at.gap);
  expect(refusal).toMatchObject({ code: 'point_in_gap', params: { resource: 'main' } });
  expect(refusal.params['before']).toMatch(/^\d{4}-.*LSN/);
  const [timeline] = z.array(z.looseObject({ timeline: z.unknown() })).parse(await platform.done(['timeline', 'main']));
  expect(timeline?.timeline).toMatchObject({ branches: [{ gaps: [expect.anything()] }] });
});

test('K-096 points before the first set and after the last commit are refused with the nearest reachable one', async () => {
  const early = await refusedTwice(3, '--at', at.beforeSet);
  expect(early).toMatchObject({ code: 'point_before_first_set' });
  expect(early.params['after']).toMatch(/^\d{4}-.*LSN/);
  const late = await refusedTwice(3, '--at', '2100-01-01T00:00:00Z');
  expect(late).toMatchObject({ code: 'point_after_latest' });
  expect(late.params['before']).toMatch(/^\d{4}-.*LSN/);
});

test('K-089 a time without a zone and targets that name nothing or two points are refused', async () => {
  const zoneless = await refusedTwice(2, '--at', '2026-11-21 10:15:00');
  expect(zoneless).toMatchObject({ code: 'time_without_zone' });
  expect(zoneless.hint).toContain('2026-11-21 10:15:00Z');
  expect(await refusedTwice(2)).toMatchObject({ code: 'target_unclear' });
  expect(await refusedTwice(2, '--latest', '--immediate')).toMatchObject({ code: 'target_unclear' });
  expect(await refusedTwice(2, '--name', 'nobody-made-this')).toMatchObject({ code: 'name_unknown' });
});

test('K-098 a target that is not empty is refused and every file in it stays', async () => {
  const full = join(platform.folder, 'full');
  mkdirSync(full);
  writeFileSync(join(full, 'precious'), 'mine');
  const refusal = await platform.refused(3, restore('--immediate', '--to', full));
  expect(refusal).toMatchObject({ code: 'target_not_empty', params: { path: full } });
  const planned = ['restore', 'plan', '--resource', 'main', '--immediate', '--to', full];
  expect(await platform.refused(3, planned)).toMatchObject({ code: 'place_unready' });
  expect(contentOf(full)).toHaveLength(1);
  expect(readdirSync(full)).toEqual(['precious']);
});

test('K-119 a running target is refused, as copy and in place, and names its clients', async () => {
  const { dataDirectory } = platform.instance;
  const asCopy = await platform.refused(3, restore('--immediate', '--to', dataDirectory));
  expect(asCopy).toMatchObject({ code: 'target_running', params: { directory: dataDirectory } });
  const inPlace = await platform.refused(3, restore('--immediate', '--in-place', '--consent', 'main'));
  expect(inPlace).toMatchObject({
    code: 'target_running',
    params: { clients: expect.stringContaining('postgres') as string },
  });
  expect((await sql.query('select count(*)::int as n from ledger')).rows).toEqual([{ n: 4 }]);
  expect(readdirSync(join(dataDirectory, '..')).filter((name) => name.includes('before'))).toEqual([]);
});

test('K-098 a restore in place without the name of the resource typed is refused before anything begins', async () => {
  expect(await platform.refused(3, restore('--immediate', '--in-place', '--consent', 'yes'))).toMatchObject({
    code: 'consent_mismatch',
  });
  const untyped = await platform.refused(3, restore('--immediate', '--in-place'));
  expect(untyped).toMatchObject({ code: 'consent_missing' });
  // A plan only looks: it asks for no consent, and finds that the instance runs.
  const planned = ['restore', 'plan', '--resource', 'main', '--immediate', '--in-place'];
  expect(await platform.refused(3, planned)).toMatchObject({ code: 'place_unready' });
});

test('K-098 another cluster at the place of a closed resource is refused and stays as it is', async () => {
  await sql.query("update ledger set word = word || '!'");
  await sql.end();
  await platform.stack.childOf('demo-instance').stop();
  const { dataDirectory } = platform.instance;
  const control = contentOf(join(dataDirectory, 'global'));
  const catalog = await platform.stack.places.catalog.connect('holdfast');
  // The resource and its sets belong to a cluster that is not the one that lies there now.
  const other = '7000000000000000001';
  await catalog.query(`update resource set system_id = '${other}'`);
  await catalog.query(
    `update backup_set set system_id = '${other}', summary = jsonb_set(summary, '{systemId}', '"${other}"')`,
  );
  const refusal = await platform.refused(3, restore('--immediate', '--in-place', '--consent', 'main'));
  expect(refusal).toMatchObject({ code: 'system_id_of_restore' });
  expect(contentOf(join(dataDirectory, 'global'))).toEqual(control);
  await catalog.end();
});
