import type { Command } from 'commander';
import { z } from 'zod';
import { idShape } from '#core/settings/shape/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import {
  limitOptions,
  limitShape,
  limitsOf,
  reconnectOf,
  reconnectOptions,
  reconnectShape,
} from '#api/cli/commands/jobs/limit-words.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const { '--limit-transfer <limit>': limitTransfer = '', '--limit-zone <zone>': limitZone = '' } = limitOptions('reads');

/** `holdfast pool copy`: a verb of the noun `pool`. */
export function addPoolCopyVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'copy',
    title: 'copy sets and log to another pool without the database; what is there is not sent again',
    options: {
      '--from <pool>': 'pool that is read',
      '--to <pool>': 'pool that gets the copies; it has its own keys and retention',
      '--set <set...>': 'these sets, each with all that it builds on',
      '--all': 'every good set that the target does not have',
      '--log': 'the log of these databases too; without --set that of all',
      '--host <host>': 'host that copies; one that reaches both pools when absent',
      '--limit-transfer <limit>': limitTransfer,
      '--limit-zone <zone>': limitZone,
      ...reconnectOptions,
      ...waitOptions,
    },
    shape: z.object({
      ...{ ...waitShape, ...limitShape, ...reconnectShape, from: z.string(), to: z.string() },
      ...{ set: z.array(idShape('set')).default([]), all: z.boolean().default(false), log: z.boolean().default(false) },
      host: z.string().optional(),
    }),
    act: (_cli, { from, to, set, all, log, host, reconnect, wait, timeout, ...typed }, isJson) => {
      const path = `/api/v1/pools/${encodeURIComponent(from)}/copies`;
      const where = host === undefined ? {} : { host };
      const body = { to, sets: set, all, log, ...where, limits: limitsOf(typed), ...reconnectOf(reconnect) };
      return startAndWatch(cli, { path, body, wait, timeout, isJson });
    },
  });
}
