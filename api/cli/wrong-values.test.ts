import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addHost } from '#catalog/hosts.ts';
import { addPool } from '#catalog/pools/pools.ts';
import { registerResource } from '#catalog/resources/resources.ts';
import { clientSettings } from '#core/settings/client-settings.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { testIds } from '#tests/support/catalog.ts';
import { runLine } from '#tests/support/command-line.ts';
import { sampleSystemId } from '#tests/support/samples.ts';
import { makeBearer } from '#api/http/bearer.ts';
import { openCli } from './cli.ts';
import { backupBody, backupShape } from './commands/backup.ts';
import { buildProgram } from './run-cli.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  const hostId = testIds('host');
  const keySha256 = makeBearer('hfh', hostId).sha256;
  await addHost(api.store.catalog, { id: hostId, name: 'db1', hostname: 'db1', agentVersion: '0.1.0', keySha256 });
  const found = {
    ...{ engine: 'postgresql', dataDirectory: '/data', port: 5432, socket: '/tmp', serverMajor: 18, isRunning: true },
    systemId: sampleSystemId,
  };
  await registerResource(api.store.catalog, { id: testIds('res'), hostId, name: 'main', found });
  await addPool(api.store.catalog, {
    ...{ id: testIds('pool'), name: 'first', place: { kind: 'local', directory: '/pool' }, hostId },
    ...{ isEncrypted: false, sealedSecrets: new Uint8Array(1) },
  });
});
afterAll(() => api.close());

const holdfast = (line: readonly string[]) => runLine(api, line, { s3AccessKey: 'a', s3SecretKey: 'b' });
const words = (line: string): string[] => line.split(' ');

/** Command, the option that is wrong with its value, what is said of it. */
const wrong: readonly (readonly [string, string, string, RegExp])[] = [
  ['job preview --plan daily --at 02:00', '--zone', 'Asia/Shangri-La', /no time zone[^\n]*such as Asia\/Shanghai/],
  ['job preview --plan daily', '--at', '25:00', /no time of a day such as 02:00/],
  ['job preview --plan daily', '--at', '2am', /must be a time of the day, such as 02:00/],
  ['job preview --plan daily --at 02:00', '--every', '0', /interval in days is 0, not 1 to 366/],
  ['job preview --plan daily --at 02:00', '--start-date', '2026-02-30', /no day such as/],
  ['job preview --plan once --at 02:00', '--date', 'tomorrow', /must be a day, such as 2026-11-21/],
  ['job preview --plan hourly', '--window', '08:00-07:00', /ends at 07:00, not after its begin/],
  ['job preview --plan monthly --at 02:00', '--days', '1,32', /must be at most 31/],
  ['job preview --plan monthly --at 02:00 --days 1', '--months', '13', /must be at most 12/],
  ['job preview --plan hourly', '--every', '15', /15m for minutes or 15h for hours/],
  ['job preview --every 2', '--plan', 'hourly', /2m for minutes or 2h for hours/],
  [
    'job preview --at 02:00',
    '--plan',
    'weekly',
    /^A weekly plan needs --weekdays \(.*\n {2}hint: Add it, e\.g\. --weekdays sun;/,
  ],
  ['job preview --at 02:00', '--plan', 'monthly', /^A monthly plan needs --days .*--weeks last --weekdays sun/s],
  ['job preview --at 02:00 --plan monthly', '--weeks', '1', /^A monthly plan needs --weekdays/],
  ['job preview --plan once', '--date', '2030-01-01', /^A once plan needs --at \(/],
  ['job preview --at 02:00', '--plan', 'once', /^A once plan needs --date \(/],
  ['job preview', '--plan', 'sometimes', /must be one of immediate, once, manual/],
  ['backup --resource main --pool first', '--type', 'odd', /must be one of full, incremental, differential/],
  ['backup --type full --resource main --pool first', '--channels', '256', /must be at most 255/],
  ['backup --type full --resource main --pool first', '--channels', 'many', /must be a number/],
  ['backup --type full --resource main --pool first', '--compression', '99', /must be at most 22/],
  ['backup --type full --resource main --pool first', '--reconnect', '61', /must be at most 60/],
  ['backup --type full --resource main --pool first', '--archive-directory', 'log', /must be an absolute path/],
  ['backup --type full --resource main --pool first', '--resume-buffer', '65', /must be at most 64/],
  ['backup --type full --resource main --pool first --before x', '--script-timeout', '0', /must be at least 1/],
  ['restore plan --resource main --latest', '--to', 'copy', /must be an absolute path/],
  ['restore plan --resource main --latest --to /copy', '--port', '70000', /must be at most 65535/],
  [
    'job create backup a --resource main --pool first --type full --plan daily --at 2:00',
    '--zone',
    'Mars',
    /zone|time/,
  ],
  ['job create restore a --resource main --latest --to /c --plan once --run-date 2030-01-01', '--run-at', 'x', /02:00/],
  ['restore plan --resource main --to /copy', '--at', 'noon', /must be written as/],
  ['retention set --resource main --pool first', '--fulls', '0', /^--fulls is not taken as "0"[^\n]*at least 1/],
  ['retention set --resource main --pool first', '--window-days', '0', /^--window-days [^\n]*at least 1/],
  ['retention set --resource main --pool first', '--daily', '2000', /^--daily [^\n]*at most 1000/],
  ['retention set --resource main --pool first --fulls 2', '--minimum-fulls', '0', /^--minimum-fulls [^\n]*at least 1/],
  ['pool scrub first', '--budget', 'much', /must be written as/],
  ['run ls', '--state', 'odd', /must be one of queued, running/],
  ['run ls', '--limit', '0', /must be at least 1/],
  ['pool create sample --host db1', '--local', 'here', /absolute path/],
];

test.each(wrong)('`%s %s %s` is refused in words of the command line', async (command, option, value, said) => {
  const { code, err } = await holdfast([...words(command), option, value]);
  expect(code).toBe(2);
  expect(err).toMatch(said);
  expect(err).not.toMatch(/openapi|match pattern|request_invalid/);
});

test('a refusal names the option, the value that was given and the form that it takes', async () => {
  const { err } = await holdfast(words('job preview --plan daily --at 02:00 --zone Asia/Shangri-La'));
  expect(err).toMatch(/^--zone is not taken as "Asia\/Shangri-La": there is no time zone Asia\/Shangri-La/);
  expect(err).toMatch(/hint: --zone: IANA time zone of times and days, e\.g\. Asia\/Shanghai/);
  expect(err).toContain('`holdfast job preview --help`');
  const lacking = await holdfast(words('backup --type full --pool first'));
  expect(lacking).toMatchObject({ code: 2 });
  expect(lacking.err).toMatch(/^`holdfast backup` needs --resource \(option_missing\)\n {2}hint: --resource: database/);
});

test('a name that nothing has is refused with the names that may have been meant', async () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['backup --type full --resource mian --pool first', 'resource_unknown', /Did you mean main\?/],
    ['backup --type full --resource main --pool frist', 'pool_not_found', /Did you mean first\?/],
    ['resource discover bd1', 'host_unknown', /Did you mean db1\?/],
    ['restore plan --resource Main --latest --to /copy', 'resource_unknown', /Did you mean main\?/],
    ['restore plan --resource main --latest --to /copy --pool first1', 'pool_not_found', /Did you mean first\?/],
    ['job show nightly', 'job_unknown', /hint: `holdfast job ls` lists jobs/],
    ['webhook show mine', 'channel_unknown', /hint: List them/],
  ];
  for (const [line, code, said] of cases) {
    const { err } = await holdfast(words(line));
    expect(err, line).toContain(`(${code})`);
    expect(err, line).toMatch(said);
  }
});

test('an empty text is refused by the option or argument that it was given to, before anything is asked', async () => {
  const blank = await holdfast([...words('backup --type full --pool first --resource'), '']);
  expect(blank).toMatchObject({ code: 2 });
  expect(blank.err).toMatch(
    /^--resource was given an empty text \(option_blank\)\n {2}hint: .*variable that is not set/,
  );
  expect((await holdfast(['run', 'show', ' '])).err).toMatch(/^<run> was given an empty text/);
  const { status, body } = await api.ask('POST', '/api/v1/runs', { kind: 'log-backup', resource: '', pool: 'first' });
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'name_blank', params: { noun: 'resource' } });
});

test('an id that is none is refused in words', async () => {
  const { code, err } = await holdfast(words('run show run_019'));
  expect(code).toBe(2);
  expect(err).toMatch(
    /^"run_019" is not a run id \(id_malformed\)\n {2}hint: The id of a run is run_ and 32 hex digits/,
  );
});

test('the API names the place in the request, in the same words', async () => {
  const plan = { type: 'daily', zone: 'UTC', at: '2am' };
  const { status, body } = await api.ask('POST', '/api/v1/schedules/preview', { plan });
  expect(status).toBe(400);
  const reason = 'it must be a time of the day, such as 02:00';
  expect(body).toMatchObject({ code: 'request_invalid', params: { pointer: '/plan/at', reason } });
});

/** Command that ends with the option of a file. */
const filed: readonly (readonly [string, string])[] = [
  ['resource login main --password-file', '--password-file'],
  ['pool rotate-key first --passphrase-file', '--passphrase-file'],
  ['drill run --resource main --sql-file', '--sql-file'],
  ['drill verify-report', '<file>'],
];
test.each(filed)(
  'the file of `%s` is refused when it is missing, a folder, empty or broken',
  async (command, option) => {
    const empty = join(api.home, 'empty');
    const broken = join(api.home, 'broken');
    await writeFile(empty, '');
    await writeFile(broken, '[{"name": ');
    const cases: readonly (readonly [string, RegExp])[] = [
      [join(api.home, 'missing'), /cannot be read: .*no such file or folder \(file_unreadable\)/],
      [api.home, /cannot be read: .*it is a folder \(file_unreadable\)/],
      [empty, /cannot be used: .*it is empty \(file_malformed\)/],
      ...(/secret|pass/.test(option)
        ? []
        : [[broken, /cannot be used: .*it is no JSON: .*\(file_malformed\)/] as const]),
    ];
    for (const [file, said] of cases) {
      const { code, err } = await holdfast([...words(command), file]);
      expect(code).toBe(2);
      expect(err).toContain(`The file of ${option} `);
      expect(err).toMatch(said);
    }
  },
);

test('K-048 a backup of type incremental is a differential one', async () => {
  const { err } = await holdfast(words('backup --type incremental --resource main --pool first'));
  expect(err).toContain('resource_not_logged_in');
  const asked = backupBody(backupShape.parse({ type: 'incremental', resource: 'main', pool: 'first' }));
  expect(asked).toMatchObject({ kind: 'incremental-backup', type: 'differential' });
});

/** What stands for each argument, and for the options without which a command is not even looked at. */
const samples: Readonly<Partial<Record<string, string>>> = {
  ...{ resource: 'main', pool: 'first', host: 'db1', from: 'first', job: 'none', name: 'sample', file: '/none' },
  ...{
    set: testIds('set'),
    earlier: testIds('set'),
    later: testIds('set'),
    run: testIds('run'),
    plan: testIds('plan'),
  },
};
const needed: Readonly<Partial<Record<string, readonly string[]>>> = {
  ...{ '--resource': ['--resource', 'main'], '--pool': ['--pool', 'first'], '--type': ['--type', 'full'] },
  ...{ '--to': ['--to', '/copy'], '--directory': ['--directory', '/copy'], '--latest': ['--latest'] },
  ...{ '--url': ['--url', 'https://127.0.0.1/'], '--local': ['--local', '/pool'], '--from': ['--from', 'first'] },
};
/** Commands that reach beyond the API: server settings, files, an endless following. */
const apart = /^holdfast (init|events|doctor|catalog|server|codec)/;

const verbsBelow = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(verbsBelow);
const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;

function everyVerb(): Command[] {
  const terminal = { isWatched: false, isDrawn: false, input: Readable.from([]), errStream: new Writable() };
  const program = buildProgram(
    openCli({
      terminal: { ...terminal, out: () => undefined, err: () => undefined },
      ...{ settings: clientSettings.parse({}), env: {}, clock: { nowMs: () => 0 } },
      interrupt: new AbortController().signal,
    }),
  );
  return verbsBelow(program).filter((verb) => !apart.test(pathOf(verb)));
}

test('whatever is wrong in an option of any command, nobody is sent to the schema, and it is no bug', async () => {
  const tried = new Set<string>();
  for (const verb of everyVerb()) {
    const base = [
      ...pathOf(verb).split(' ').slice(1),
      ...verb.registeredArguments.map((argument) => samples[argument.name()] ?? 'x'),
      ...verb.options.flatMap(({ long }) => needed[long ?? ''] ?? []),
    ];
    for (const { flags, long, description } of verb.options) {
      const key = `${flags} ${description}`;
      if (tried.has(key) || long == null || !flags.includes('<')) continue;
      tried.add(key);
      const { err } = await holdfast([...base, long, '\u00bf ?']);
      expect(err, `${base.join(' ')} ${long}`).not.toMatch(/as \/openapi|match pattern|request_invalid|\(bug\)/);
    }
  }
  expect(tried.size).toBeGreaterThan(100);
});
