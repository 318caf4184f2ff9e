import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { consentFor } from '#core/restore/plan/ways.ts';
import { restorePlanShape } from '#core/settings/restore-options.ts';
import { findingShape } from '#core/settings/shape/host.ts';
import { bytesText } from '#core/bytes-text.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { hookOptions, hookShape, hooksOf } from './jobs/hook-words.ts';
import {
  limitOptions,
  limitShape,
  limitsOf,
  reconnectOf,
  reconnectOptions,
  reconnectShape,
  resumeBufferOf,
  resumeBufferOptions,
  resumeBufferShape,
} from './jobs/limit-words.ts';
import { demandReady, placeText } from './place-words.ts';
import { pointOf, pointOptions, pointShape } from './point-words.ts';
import { wayOptions, wayShape, waysOf } from './restore-way-words.ts';
import { startAndWatch, waitOptions, waitShape } from './runs/run-words.ts';

const planAnswerShape = z.looseObject({
  plan: restorePlanShape,
  hostId: z.string(),
  poolId: z.string(),
  findings: z.array(findingShape),
});

/** Options of a restore, now or in a job. */
export const restoreOptions = {
  '--resource <resource>': 'whose sets and log are read',
  ...pointOptions,
  '--host <host>': 'host of the copy; the resource’s own when absent',
  '--to <directory>': 'a copy in this empty directory',
  '--port <port>': 'port of the copy',
  '--in-place': 'replace the data directory of the resource; it must be closed',
  '--consent <name>': 'with --in-place: the name of the resource, typed; a plan needs none',
  '--map <oid=path...>': 'new place of a tablespace; every tablespace of a copy needs one',
  '--closed': 'leave it recovered but closed (K-107)',
  '--config-file <path>': 'configuration file on the host to use instead of the set’s own (K-110)',
  ...wayOptions,
  '--channels <n>': 'parallel streams, 1 to 255 (1; K-106), on at most 16 threads',
  ...limitOptions('writes'),
  ...resumeBufferOptions,
  ...hookOptions,
  ...reconnectOptions,
};

export const restoreShape = z.object({
  resource: z.string(),
  ...pointShape,
  host: z.string().optional(),
  to: z.string().optional(),
  port: z.coerce.number().int().optional(),
  inPlace: z.boolean().default(false),
  consent: z.string().optional(),
  map: z.array(z.string()).default([]),
  closed: z.boolean().default(false),
  configFile: z.string().optional(),
  channels: z.coerce.number().int().optional(),
  ...wayShape,
  ...limitShape,
  ...hookShape,
  ...reconnectShape,
  ...resumeBufferShape,
});
type RestoreArgs = z.output<typeof restoreShape>;

export function addRestoreCommands(program: Command, cli: Cli): void {
  const noun = program.command('restore').description('restores, to any second that is covered');
  addVerb(noun, cli, {
    usage: 'plan',
    title: 'print what a restore would do, without touching anything; exit code 3 when its place is not ready',
    options: restoreOptions,
    shape: restoreShape,
    act: async (_cli, args, isJson) => {
      const answer = await (await cli.client()).post(planAnswerShape, '/api/v1/restores/plan', restoreBodyOf(args));
      const text = [planText(answer.plan), '', placeText(answer.findings), ...consentLines(args)].join('\n');
      cli.terminal.out(isJson ? JSON.stringify(answer, undefined, 2) : text);
      demandReady(answer.findings);
      return undefined;
    },
  });
  addVerb(noun, cli, {
    usage: 'run',
    title: 'plan a restore and execute exactly that plan',
    options: { ...restoreOptions, ...waitOptions },
    shape: restoreShape.extend(waitShape),
    act: (_cli, args, isJson) =>
      startAndWatch(cli, {
        path: '/api/v1/restores',
        body: restoreBodyOf(args),
        wait: args.wait,
        timeout: args.timeout,
        isJson,
      }),
  });
}

/** What the API is asked for. */
export function restoreBodyOf(args: RestoreArgs) {
  const { resource, host } = args;
  const point = pointOf(args);
  const place = placeOf(args);
  const options = optionsOf(args);
  const asked = { resource, ...point, place, options, host };
  return { ...asked, ...hooksOf(args), ...reconnectOf(args.reconnect) };
}

/** Throws `place_missing`, `place_twice`. The API asks for the consent where something is executed. */
function placeOf({ to, port, inPlace, consent }: RestoreArgs) {
  if (to === undefined && !inPlace) throw fail('place_missing', {});
  if (to !== undefined && inPlace) throw fail('place_twice', { directory: to });
  return inPlace ? { kind: 'in-place', consent } : { kind: 'copy', directory: to, port };
}

const consentLines = ({ resource, inPlace, consent, delta }: RestoreArgs): string[] =>
  inPlace && consent === undefined
    ? ['', `Executed by \`holdfast restore run\` with the same options and --consent ${typed(resource, delta)}`]
    : [];

const typed = (resource: string, isDelta: boolean): string =>
  isDelta ? `"${consentFor(resource, { isDelta })}"` : resource;

function optionsOf(args: RestoreArgs) {
  const { configFile, channels, map } = args;
  return {
    isOpenedAfter: !args.closed,
    limits: limitsOf(args),
    ...resumeBufferOf(args.resumeBuffer),
    ...waysOf(args),
    tablespaceMap: Object.fromEntries(map.map(mapping)),
    ...(configFile === undefined ? {} : { configFile }),
    ...(channels === undefined ? {} : { channels }),
  };
}

function mapping(text: string): readonly [string, string] {
  const [, oid, path] = /^(\d+)=(\/.+)$/.exec(text) ?? [];
  if (oid === undefined || path === undefined) {
    throw fail('value_malformed', { text, what: '--map', expected: '<oid>=<absolute path>' });
  }
  return [oid, path];
}

const planText = (plan: RestorePlan): string =>
  [
    `set       ${plan.setId}`,
    `timeline  ${String(plan.timeline)}, must reach ${plan.mustReach}`,
    `log       ${String(plan.segments.length)} segments`,
    ...(plan.chain.length > 1 ? [`chain     ${plan.chain.map(({ setId }) => setId).join(' ← ')}`] : []),
    `size      ${bytesText(plan.rawBytes)}, at most ${bytesText(plan.fetchBytes)} are fetched`,
    '',
    ...plan.steps.map((step, i) => `${String(i + 1).padStart(2)}. ${step}`),
  ].join('\n');
