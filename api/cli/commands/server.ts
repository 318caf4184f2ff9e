import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { readSettings } from '#core/settings/registry.ts';
import { serverSettings } from '#core/settings/server-settings.ts';
import { listShape } from '../../routes/words.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { tableOf } from '../terminal.ts';
import { startAndWatch, waitOptions, waitShape } from './runs/run-words.ts';

const checkShape = z.looseObject({ check: z.string(), verdict: z.string(), detail: z.string(), hint: z.string() });

const initShape = z.object({
  rotatePayloadKey: z.boolean().default(false),
  enrolmentFile: z.array(z.string()).exactOptional(),
  adoptNamespace: z.boolean().default(false),
  wait: z.coerce.number().int().min(1).max(3600).exactOptional(),
});

/** Commands about the installation itself: catalog, doctor, init. */
export function addServerCommands(program: Command, cli: Cli): void {
  const catalog = program.command('catalog').description('the catalog: an index of what pools hold');
  addVerb(catalog, cli, {
    usage: 'rebuild',
    title: 'bring back sets, log and branches of a pool from the pool alone',
    options: { '--pool <pool>': 'pool to read', ...waitOptions },
    shape: z.object({ ...waitShape, pool: z.string() }),
    act: (_cli, { pool, wait, timeout }, isJson) =>
      startAndWatch(cli, { path: `/api/v1/pools/${encodeURIComponent(pool)}/rebuild`, wait, timeout, isJson }),
  });
  addVerb(program, cli, {
    usage: 'doctor',
    title: 'check catalog, Temporal, control worker and hosts; exit code 5 when a check fails',
    shape: z.object({}),
    act: async (_cli, _args, isJson) => {
      const { data } = await (await cli.client()).get(listShape(checkShape), '/api/v1/health');
      const rows = data.map((one) => [one.verdict, one.check, one.detail, one.hint]);
      cli.terminal.out(
        isJson ? JSON.stringify(data, undefined, 2) : tableOf(['', 'CHECK', 'FOUND', 'WHAT TO DO'], rows),
      );
      const bad = data.filter((one) => one.verdict === 'fail').map((one) => one.check);
      if (bad.length > 0) throw fail('health_failed', { count: String(bad.length), names: bad.join(', ') });
      return undefined;
    },
  });
  addInit(program, cli);
}

const rotate = async (home: string): Promise<string> => {
  const { rotatePayloadKey } = await import('#api/temporal/rotate-payload-key.ts');
  return (await rotatePayloadKey(home)).id;
};

function addInit(program: Command, cli: Cli): void {
  addVerb(program, cli, {
    usage: 'init',
    title: 'on the server: make keys, migrate the catalog, make the first administrator token; safe to repeat',
    options: {
      '--rotate-payload-key':
        'seal what goes through Temporal with a new key from here on; older ones still open, agents learn of it by themselves',
      '--enrolment-file <path...>':
        'write a one-time token that enrols one host within a day, 0600; a token that still serves, or has served, is kept',
      '--adopt-namespace':
        'take this Temporal namespace although the catalog belongs to another, which is gone; its open runs are closed as lost',
      '--wait <seconds>': 'wait so long for Temporal, and fail when its namespace is not there by then',
    },
    shape: initShape,
    act: async (_cli, args) => {
      const settings = readSettings(serverSettings, cli.env);
      const { enrolmentFile = [], wait, adoptNamespace: shouldAdopt } = args;
      // Why: the clients of Temporal and PostgreSQL take longer to load than any other command takes in all.
      const { initialise } = await import('../../init.ts');
      const waited = wait === undefined ? {} : { waitSeconds: wait };
      const report = await initialise(settings, cli.clock, {
        ...{ enrolmentFiles: enrolmentFile, adoptsNamespace: shouldAdopt },
        ...waited,
      });
      const rotated = args.rotatePayloadKey ? await rotate(settings.home) : undefined;
      const token =
        report.adminToken === undefined
          ? 'kept'
          : `${report.adminToken}   (shown once, kept in ${report.adminTokenFile})`;
      const lines = [
        `keys        ${report.madeKeys.length === 0 ? 'kept' : `made ${report.madeKeys.join(', ')}; keep a copy of master.key`}`,
        `catalog     ${report.migrations.length === 0 ? 'up to date' : `applied ${report.migrations.join(', ')}`}`,
        `token       ${token}`,
        ...report.enrolment.map((file) => `enrolment   ${file}: enrols one host within a day`),
        `temporal    ${report.temporal}`,
        ...(rotated === undefined ? [] : [`payload key ${rotated} seals from here on; the older ones still open`]),
      ];
      return { json: rotated === undefined ? report : { ...report, payloadKey: rotated }, text: lines.join('\n') };
    },
  });
}
