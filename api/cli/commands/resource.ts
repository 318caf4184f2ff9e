import type { Command } from 'commander';
import { z } from 'zod';
import { resourceShape } from '#catalog/resources.ts';
import type { PreflightReport } from '#core/agent/inspection.ts';
import { fail } from '#core/errors/fail.ts';
import { discoveredInstanceShape, preflightShape } from '#core/settings/shape/host.ts';
import { envName } from '#core/settings/registry.ts';
import { listShape } from '../../routes/words.ts';
import { askSecret } from '../ask-secret.ts';
import type { Cli, Said } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { tableOf } from '../terminal.ts';

const foundShape = z.looseObject({
  instance: discoveredInstanceShape,
  resourceId: z.string().nullable(),
  resourceName: z.string().nullable(),
});
const hostsShape = listShape(z.looseObject({ name: z.string(), isOnline: z.boolean() }));

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
        one.hostId === null ? 'known from a pool only' : '',
      ]);
      return { json: data, text: tableOf(['RESOURCE', 'ENGINE', 'DATA DIRECTORY', 'PORT', 'LOGIN', ''], rows) };
    },
  });
  addVerb(noun, cli, {
    usage: 'discover [host]',
    title: 'ask agents which instances they find; without a host, every online one',
    options: {
      '--register': 'register what is new',
      '--data-directory <path>': 'only this instance',
      '--name <name>': 'with --register and --data-directory: the name it gets',
    },
    shape: z.object({
      host: z.string().optional(),
      register: z.boolean().default(false),
      dataDirectory: z.string().optional(),
      name: z.string().optional(),
    }),
    act: (_cli, args) => discover(cli, args),
  });
  addLogin(noun, cli);
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

interface DiscoverArgs {
  readonly host?: string | undefined;
  readonly register: boolean;
  readonly dataDirectory?: string | undefined;
  readonly name?: string | undefined;
}

async function discover(cli: Cli, { host, register, dataDirectory, name }: DiscoverArgs): Promise<Said> {
  const client = await cli.client();
  const all =
    host === undefined ? (await client.get(hostsShape, '/api/v1/hosts')).data : [{ name: host, isOnline: true }];
  const rows: { host: string; instance: z.output<typeof discoveredInstanceShape>; resource: string | null }[] = [];
  for (const one of all.filter(({ isOnline }) => isOnline)) {
    const { data } = await client.post(
      listShape(foundShape),
      `/api/v1/hosts/${encodeURIComponent(one.name)}/discover`,
      {},
    );
    for (const { instance, resourceName } of data) {
      if (dataDirectory !== undefined && instance.dataDirectory !== dataDirectory) continue;
      const body = { host: one.name, dataDirectory: instance.dataDirectory, ...(name === undefined ? {} : { name }) };
      const shouldRegister = register && resourceName === null;
      const made = shouldRegister ? await client.post(resourceShape, '/api/v1/resources', body) : undefined;
      rows.push({ host: one.name, instance, resource: made?.name ?? resourceName });
    }
  }
  const table = rows.map(({ host: on, instance, resource }) => [
    on,
    `${instance.engine} ${String(instance.serverMajor)}`,
    instance.dataDirectory,
    String(instance.port),
    instance.isRunning ? 'running' : 'closed',
    resource ?? '(not registered)',
  ]);
  return { json: rows, text: tableOf(['HOST', 'ENGINE', 'DATA DIRECTORY', 'PORT', 'STATE', 'RESOURCE'], table) };
}

function addLogin(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'login <resource>',
    title: 'store a checked login (K-064); the password comes from a prompt, a file or the environment',
    options: {
      '--user <name>': 'database user with superuser or replication right (postgres)',
      '--database <name>': 'database to connect to (postgres)',
      '--password-file <file>': 'file that holds the password',
    },
    shape: z.object({
      resource: z.string(),
      user: z.string().default('postgres'),
      database: z.string().default('postgres'),
      passwordFile: z.string().optional(),
    }),
    act: async (_cli, { resource, user, database, passwordFile }) => {
      const password = await askSecret(cli.terminal, {
        what: `password of ${user}`,
        file: passwordFile,
        fromEnv: cli.settings.password,
        envName: envName('password'),
        fileFlag: '--password-file',
      });
      const path = `/api/v1/resources/${encodeURIComponent(resource)}/login`;
      const row = await (await cli.client()).post(resourceShape, path, { user, password, database });
      return { json: row, text: `Logged in to ${row.name} as ${user}.` };
    },
  });
}

function preflightText(report: PreflightReport): string {
  const facts = [
    `server ${String(report.serverVersion)}, ${report.role}, system id ${report.systemId}, timeline ${String(report.timeline)}`,
    `checksums ${report.hasChecksums ? 'on' : 'off'}, wal_level ${report.walLevel}, archive_mode ${report.archiveMode}, archive ${report.archiveDirectory ?? '-'}`,
  ];
  const rows = report.findings.map((finding) => [finding.verdict, finding.check, finding.detail, finding.hint]);
  return [...facts, '', tableOf(['', 'CHECK', 'FOUND', 'WHAT TO DO'], rows)].join('\n');
}
