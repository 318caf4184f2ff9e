import type { Command } from 'commander';
import { z } from 'zod';
import type { RemovedResource } from '#catalog/resources/resource-changes.ts';
import { removedResourceShape } from '#catalog/resources/resource-changes.ts';
import { resourceShape } from '#catalog/resources/resources.ts';
import type { PreflightReport } from '#core/agent/inspection.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { preflightShape } from '#core/settings/shape/host.ts';
import { envName } from '#core/settings/registry.ts';
import { listShape } from '../../routes/words.ts';
import { askSecret } from '../ask-secret.ts';
import type { Cli } from '../cli.ts';
import { copyWords } from '../copy-words.ts';
import { addVerb } from '../cli.ts';
import { tableOf } from '../terminal.ts';
import { addDiscover } from './discover.ts';

const logPoolShape = z.looseObject({ id: z.string(), name: z.string() });

export function addResourceCommands(program: Command, cli: Cli): void {
  const noun = program.command('resource').description('resources: database instances');
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list registered resources',
    shape: z.object({}),
    act: async () => {
      const { data } = await (await cli.client()).get(listShape(resourceShape), '/api/v1/resources');
      const rows = data.map((one) => [
        one.name,
        `${one.engine} ${String(one.serverMajor)}`,
        one.dataDirectory,
        String(one.port),
        one.isLoggedIn ? `as ${one.loginUser ?? ''}` : 'not logged in',
        one.hostId === null ? 'known from a pool only' : copyWords(one),
      ]);
      return { json: data, text: tableOf(['RESOURCE', 'ENGINE', 'DATA DIRECTORY', 'PORT', 'LOGIN', ''], rows) };
    },
  });
  addDiscover(noun, cli);
  addLogin(noun, cli);
  addChanges(noun, cli);
  addVerb(noun, cli, {
    usage: 'preflight <resource>',
    title: 'check everything a backup of the instance needs; exit code 3 when a check fails',
    options: { '--archive-directory <path>': 'archive log directory on the host (K-082)' },
    shape: z.object({ resource: z.string(), archiveDirectory: z.string().optional() }),
    act: async (_cli, { resource, archiveDirectory }, isJson) => {
      const body = archiveDirectory === undefined ? {} : { archiveDirectory };
      const report = await (
        await cli.client()
      ).post(preflightShape, `/api/v1/resources/${encodeURIComponent(resource)}/preflight`, body);
      cli.terminal.out(isJson ? JSON.stringify(report, undefined, 2) : preflightText(report));
      const failed = report.findings.filter(({ verdict }) => verdict === 'fail').map(({ check }) => check);
      if (failed.length > 0) throw fail('preflight_failed', { resource, checks: failed.join(', ') });
      return undefined;
    },
  });
}

function addLogin(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'login <resource>',
    title: 'store a checked login (K-064); the password comes from a prompt, a file or the environment',
    options: {
      '--user <name>': 'database user with superuser or replication right (postgres; of KingbaseES: system)',
      '--database <name>': 'database to connect to (postgres; of KingbaseES: test)',
      '--password-file <file>': 'file that holds the password',
    },
    shape: z.object({
      resource: z.string(),
      user: z.string().optional(),
      database: z.string().optional(),
      passwordFile: z.string().optional(),
    }),
    act: async (_cli, { resource, passwordFile, ...named }) => {
      const path = `/api/v1/resources/${encodeURIComponent(resource)}`;
      const client = await cli.client();
      // Why always: a name that is wrong is said before a password is asked for.
      const { engine } = await client.get(resourceShape, path);
      const user = named.user ?? engineProfile(engine).defaults.user;
      const password = await askSecret(cli.terminal, {
        what: `password of ${user}`,
        file: passwordFile,
        fromEnv: cli.settings.password,
        envName: envName('password'),
        fileFlag: '--password-file',
      });
      const login = { user, password, ...(named.database === undefined ? {} : { database: named.database }) };
      const row = await client.post(resourceShape, `${path}/login`, login);
      return { json: row, text: `Logged in to ${row.name} as ${user}.` };
    },
  });
}

function addChanges(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'rename <resource> <name>',
    title: 'give a resource another name',
    shape: z.object({ resource: z.string(), name: z.string() }),
    act: async (_cli, { resource, name }) => {
      const path = `/api/v1/resources/${encodeURIComponent(resource)}/rename`;
      const row = await (await cli.client()).post(resourceShape, path, { name });
      return { json: row, text: `${resource} is now ${row.name}.` };
    },
  });
  addVerb(noun, cli, {
    usage: 'log-pools <resource>',
    title: 'list the pools that must hold an archived file before it goes (K-080)',
    options: { '--remove <pool>': 'the log no longer goes to this pool; what lies there stays' },
    shape: z.object({ resource: z.string(), remove: z.string().optional() }),
    act: async (_cli, { resource, remove }) => {
      const client = await cli.client();
      const path = `/api/v1/resources/${encodeURIComponent(resource)}/log-pools`;
      if (remove !== undefined) await client.drop(`${path}/${encodeURIComponent(remove)}`);
      const { data } = await client.get(listShape(logPoolShape), path);
      return {
        json: data,
        text: tableOf(
          ['POOL'],
          data.map(({ name }) => [name]),
        ),
      };
    },
  });
  addVerb(noun, cli, {
    usage: 'rm <resource>',
    title: 'take a resource from its host; refused while it has runs, its sets and log stay',
    shape: z.object({ resource: z.string() }),
    act: async (_cli, { resource }) => {
      const path = `/api/v1/resources/${encodeURIComponent(resource)}`;
      const removed = await (await cli.client()).remove(removedResourceShape, path);
      return { json: removed, text: removedText(removed) };
    },
  });
}

function removedText({ name, sets, batches, isForgotten, jobs }: RemovedResource): string {
  const idle =
    jobs.length === 0 ? [] : [`Enabled jobs of it that can run no longer: ${jobs.join(', ')}. ${whatOfJobs}`];
  if (isForgotten)
    return [`Removed ${name}: it had no sets and no log. The instance itself was not touched.`, ...idle].join('\n');
  return [
    `Removed ${name} from its host; its login is gone, the instance itself was not touched.`,
    `${String(sets)} backup sets and ${String(batches)} log batches stay in their pools: restore them as before (--resource ${name}).`,
    'Registering the same instance again gives them back to it.',
    ...idle,
  ].join('\n');
}

const whatOfJobs =
  'Each time that is due will be told as missed (schedule.missed): disable them with `holdfast job disable`, or register the instance again.';

function preflightText(report: PreflightReport): string {
  const facts = [
    `server ${String(report.serverVersion)}, ${report.role}, system id ${report.systemId}, timeline ${String(report.timeline)}`,
    `checksums ${report.hasChecksums ? 'on' : 'off'}, wal_level ${report.walLevel}, archive_mode ${report.archiveMode}, archive ${report.archiveDirectory ?? '-'}`,
  ];
  const rows = report.findings.map((finding) => [finding.verdict, finding.check, finding.detail, finding.hint]);
  return [...facts, '', tableOf(['', 'CHECK', 'FOUND', 'WHAT TO DO'], rows)].join('\n');
}
