import { afterAll, beforeAll, expect, test } from 'vitest';
import { getJob } from '#catalog/jobs.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost } from '#tests/support/api-fixtures.ts';
import { runLine } from '#tests/support/command-line.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  await newHost(api, 'db1');
});
afterAll(() => api.close());

const holdfast = (...line: string[]) => runLine(api, line);

test('a part that the work of a job does not have is refused with those that are near, and nothing changes', async () => {
  const work = JSON.stringify({ kind: 'no-op', host: 'db1', seconds: 1 });
  expect((await holdfast('job', 'create', 'other', 'idle', '--work', work)).code).toBe(0);
  const wrong = [
    ['second=5', 'second', /Near to it are: seconds,/],
    ['hooks.befor={}', 'hooks.befor', /hooks\.before/],
    ['hooks={"before":{"programm":"x"}}', 'hooks.before.programm', /hooks\.before\.program/],
  ] as const;
  for (const [set, path, near] of wrong) {
    const { code, err } = await holdfast('job', 'edit', 'idle', '--set', 'seconds=3', '--set', set);
    expect(code, err).toBe(2);
    expect(err).toContain(`A job of kind no-op has no part ${path} (part_unknown)`);
    expect(err).toMatch(near);
  }
  expect(await getJob(api.store.catalog, 'idle')).toMatchObject({ revision: 1, work: { seconds: 1 } });
  expect((await holdfast('job', 'edit', 'idle', '--set', 'seconds=3')).out).toContain('seconds: 3');
});

test('a job shows names before ids and its times by the clock of its zone; a program gets ids and UTC', async () => {
  const plan = ['--plan', 'daily', '--at', '02:00', '--zone', 'Asia/Shanghai'];
  const work = JSON.stringify({ kind: 'no-op', host: 'db1', seconds: 1 });
  const created = await holdfast('job', 'create', 'other', 'zoned', '--work', work, ...plan);
  expect(created.out).toMatch(/plan +every day at 02:00 Asia\/Shanghai\n/);
  expect(created.out).toMatch(/host: db1 \(host_[0-9a-f]{32}\)/);
  expect(created.out).toMatch(/next +\d{4}-\d\d-\d\d 02:00:00\+08:00\n/);
  expect((await holdfast('job', 'ls')).out).toMatch(/^zoned .* 02:00:00\+08:00$/m);
  expect((await holdfast('job', 'next', 'zoned')).out).toMatch(/^(\S+ 02:00:00\+08:00\n){10}$/);
  expect((await holdfast('job', 'preview', ...plan)).out).toMatch(/^every day at .*\n(\S+ 02:00:00\+08:00\n){10}$/);
  expect((await holdfast('job', 'next', 'zoned', '--json')).out).toMatch(/"\S+T18:00:00\.000000Z"/);
});

test('who does not wait for a run is told how to follow it', async () => {
  const { out } = await holdfast('job', 'start', 'idle');
  const id = /^run +(run_[0-9a-f]{32})$/m.exec(out)?.[1] ?? '';
  expect(out).toContain(`next     follow: holdfast run watch ${id} · read along: holdfast run logs ${id} --follow`);
});

test('the same holds for the work of a new job', async () => {
  const create = (work: unknown) => holdfast('job', 'create', 'other', 'new', '--work', JSON.stringify(work));
  const misspelt = await create({ kind: 'no-op', hots: 'db1' });
  expect(misspelt).toMatchObject({ code: 2 });
  expect(misspelt.err).toMatch(/no part hots \(part_unknown\)\n {2}hint: Near to it are: [^\n]*\bhost,/);
  for (const work of [{ kind: 'sample' }, {}, [], 'text', 4]) {
    const { code, err } = await create(work);
    expect(code, err).toBe(2);
    expect(err).toMatch(/^--work is not taken as/);
  }
});
