import { Readable, Writable } from 'node:stream';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { addHost } from '#catalog/hosts.ts';
import { registerResource } from '#catalog/resources/resources.ts';
import { addRunEvents, listRuns, moveRun, runShape } from '#catalog/runs/runs.ts';
import { parseId } from '#core/id.ts';
import { clientSettings } from '#core/settings/client-settings.ts';
import { bytesText } from '#core/bytes-text.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { testIds } from '#tests/support/catalog.ts';
import { runLine } from '#tests/support/command-line.ts';
import { openLine } from '#tests/support/line.ts';
import { sampleSystemId } from '#tests/support/samples.ts';
import { makeBearer } from '#api/http/bearer.ts';
import { runCli } from './run-cli.ts';
import { tableOf } from './terminal.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  const hostId = testIds('host');
  const keySha256 = makeBearer('hfh', hostId).sha256;
  await addHost(api.store.catalog, { id: hostId, name: 'db1', hostname: 'db1', agentVersion: '0.1.0', keySha256 });
  const found = {
    engine: 'postgresql',
    dataDirectory: '/data',
    port: 5432,
    socket: '/tmp',
    serverMajor: 18,
    systemId: sampleSystemId,
    isRunning: true,
  };
  await registerResource(api.store.catalog, { id: testIds('res'), hostId, name: 'main', found });
});
afterAll(() => api.close());

const holdfast = (line: string[], settings: Record<string, string> = {}) => runLine(api, line, settings);

test('exit code 0: lists are tables for people and JSON for machines', async () => {
  const text = await holdfast(['resource', 'ls']);
  expect(text).toMatchObject({ code: 0, err: '' });
  expect(text.out).toMatch(/^RESOURCE +ENGINE/);
  const json = await holdfast(['resource', 'ls', '--json']);
  expect(JSON.parse(json.out)).toMatchObject([{ name: 'main', engine: 'postgresql' }]);
});

test('exit code 2: wrong usage and wrong input', async () => {
  expect((await holdfast(['backup', '--type', 'odd', '--resource', 'main', '--pool', 'x'])).code).toBe(2);
  expect((await holdfast(['nonsense'])).code).toBe(2);
  expect((await holdfast(['run', 'show', 'run_1'])).code).toBe(2);
  const unknown = await holdfast(['run', 'show', testIds('run')]);
  expect(unknown.code).toBe(2);
  expect(unknown.err).toMatch(/There is no run .*\(run_unknown\)[\s\S]*hint: List the runs/);
});

test('exit code 3: not possible in this state, with the remedy', async () => {
  const refused = await holdfast(['resource', 'discover', 'db1', '--json']);
  expect(refused.code).toBe(3);
  expect(JSON.parse(refused.err)).toMatchObject({ error: { code: 'host_offline' } });
  expect(refused.err).toContain('holdfast agent');
  const unknown = await holdfast(['resource', 'preflight', 'main', '--json']);
  expect(JSON.parse(unknown.err)).toMatchObject({ error: { code: 'resource_not_logged_in' } });
});

test('exit code 4: a token that is missing or refused', async () => {
  expect((await holdfast(['host', 'ls'], { token: makeBearer('hf', testIds('tok')).text })).code).toBe(4);
  const none = await runCli(['host', 'ls'], {
    terminal: {
      isWatched: false,
      isDrawn: false,
      input: Readable.from([]),
      errStream: new Writable(),
      out: () => undefined,
      err: () => undefined,
    },
    settings: clientSettings.parse({ apiUrl: api.url }),
    env: {},
    clock: { nowMs: () => Date.now() },
    interrupt: new AbortController().signal,
  });
  expect(none).toBe(4);
});

test('exit code 5: an API that does not answer, and a doctor that finds something', async () => {
  const away = await holdfast(['host', 'ls'], { apiUrl: 'http://127.0.0.1:9' });
  expect(away.code).toBe(5);
  expect(away.err).toContain('HOLDFAST_API_URL');
  const doctor = await holdfast(['doctor']);
  expect(doctor.code).toBe(5);
  expect(doctor.out).toMatch(/ok +catalog/);
  expect(doctor.out).toMatch(/fail +control worker/);
});

test('exit code 6: a run that takes longer than --timeout goes on', async () => {
  const answer = await holdfast(['run', 'noop', 'db1', '--wait', '--timeout', '0.1']);
  expect(answer.code).toBe(6);
  expect(answer.err).toContain('timed_out');
});

const patience = { timeout: 20_000 };

test('exit code 130: Ctrl-C ends the waiting, not the run, and says how to follow it', async () => {
  const person = new AbortController();
  const waiting = runLine(api, ['run', 'noop', 'db1', '--wait'], {}, { interrupt: person.signal });
  const runs = () => listRuns(api.store.catalog, { limit: 1 });
  const before = (await runs()).data[0]?.id;
  await vi.waitFor(async () => {
    expect((await runs()).data[0]?.id).not.toBe(before);
  }, patience);
  person.abort();
  const { code, err } = await waiting;
  const id = (await runs()).data[0]?.id ?? '';
  expect(code).toBe(130);
  expect(err).toMatch(new RegExp(`run ${id} goes on \\(interrupted\\)[\\s\\S]*holdfast run watch ${id}`));
  expect((await runs()).data[0]?.state).toBe('queued');
});

test('an API that goes away while a run is watched, or its log followed, is waited for', async () => {
  const started = await holdfast(['run', 'noop', 'db1', '--json']);
  const id = runShape.parse(JSON.parse(started.out)).id;
  const line = await openLine(Number(new URL(api.url).port));
  let heard = '';
  const hear = (text: string) => (heard += text);
  const far = { url: `http://${line.address}`, home: api.home };
  const watching = runLine(far, ['run', 'watch', id], {}, { hear });
  let told = '';
  await addRunEvents(api.store.catalog, id, [{ level: 'info', message: 'copying' }]);
  const following = runLine(far, ['run', 'logs', id, '--follow'], {}, { hear: (text) => (told += text) });
  await vi.waitFor(() => {
    expect(heard).toContain(`${id} `);
    expect(told).toContain('copying');
  }, patience);
  await line.cut('refused');
  await vi.waitFor(() => {
    expect(heard).toContain('does not answer; the run goes on, still asking');
  }, patience);
  await moveRun(api.store.catalog, id, 'succeeded', { state: 'succeeded', result: {} });
  await line.mend();
  expect(await watching).toMatchObject({ code: 0 });
  const log = await following;
  expect(log).toMatchObject({ code: 0, err: '' });
  expect(log.out.match(/copying|run is succeeded/g)).toEqual(['copying', 'run is succeeded']);
  await line.close();
});

test('exit code 8: a watched run that is cancelled; its log is followed to the end', async () => {
  const started = await holdfast(['run', 'noop', 'db1', '--json']);
  const id = parseId(
    'run',
    String(Object.entries(JSON.parse(started.out) as object).find(([name]) => name === 'id')?.[1]),
  );
  const following = holdfast(['run', 'logs', id, '--follow']);
  const watching = holdfast(['run', 'watch', id]);
  await moveRun(api.store.catalog, id, 'cancelled', {
    state: 'cancelled',
    code: 'cancelled',
    params: { what: id },
    message: 'cancelled',
  });
  expect((await watching).code).toBe(8);
  expect((await following).out).toContain('run is cancelled');
  expect((await holdfast(['run', 'cancel', id])).code).toBe(3);
});

test('a password is taken from a file or the environment, and refused without either', async () => {
  const none = await holdfast(['resource', 'login', 'main']);
  expect(none.code).toBe(2);
  expect(none.err).toContain('HOLDFAST_PASSWORD');
  const file = `${api.home}/password`;
  await writeFile(file, 'secret-in-file\n');
  for (const given of [
    holdfast(['resource', 'login', 'main', '--password-file', file]),
    holdfast(['resource', 'login', 'main'], { password: 'secret-in-env' }),
  ]) {
    const { code, err, out } = await given;
    expect(code).toBe(3);
    expect(`${err}${out}`).not.toMatch(/secret-in/);
  }
});

test('K-089 a restore names exactly one point, one place, and in place its consent', async () => {
  const restore = (...args: string[]) => holdfast(['restore', 'plan', '--resource', 'main', ...args]);
  expect((await restore('--to', '/copy')).err).toContain('target_unclear');
  expect((await restore('--latest', '--lsn', '0/1', '--to', '/copy')).err).toContain('target_unclear');
  expect((await restore('--at', '2026-11-21 10:15:00', '--to', '/copy')).err).toContain('time_without_zone');
  const nowhere = await restore('--latest');
  expect(nowhere).toMatchObject({ code: 2, out: '' });
  expect(nowhere.err).toMatch(/names no place to restore to \(place_missing\)[\s\S]*--to <empty directory>/);
  expect((await restore('--latest', '--in-place', '--to', '/copy')).err).toContain('place_twice');
  expect((await restore('--latest', '--in-place')).err).toContain('no_set_to_restore');
  const refused = await holdfast(['restore', 'run', '--resource', 'main', '--latest', '--in-place']);
  expect(refused.code).toBe(3);
  expect(refused.err).toContain('--consent main');
  expect((await restore('--latest', '--to', '/copy')).err).toContain('no_set_to_restore');
});

test('an enrolment token is printed alone, so that it can be piped into a file', async () => {
  const { out, err } = await holdfast(['host', 'token', '--name', 'db9', '--minutes', '5']);
  expect(out).toMatch(/^hfe_[0-9a-f]{32}_[A-Za-z0-9_-]{43}\n$/);
  expect(err).toContain('Valid until');
});

test('tables are aligned and sizes readable', () => {
  expect(tableOf(['A', 'BB'], [['xxx', 'y']])).toBe('A    BB\nxxx  y');
  expect(bytesText(1536)).toBe('1.5 KiB');
  expect(bytesText(7)).toBe('7 B');
});
