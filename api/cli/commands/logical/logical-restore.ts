import type { Command } from 'commander';
import { z } from 'zod';
import { idShape } from '#core/settings/shape/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import {
  transferArgsShape,
  transferBodyOf,
  transferOptions,
  transferPlanShape,
  transferPlanText,
} from './database-recovery.ts';
import {
  limitOptions,
  limitShape,
  limitsOf,
  reconnectOf,
  reconnectOptions,
  reconnectShape,
} from '#api/cli/commands/jobs/limit-words.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const restoreShape = z.object({
  set: idShape('set'),
  channels: z.coerce.number().int().optional(),
  ...transferArgsShape,
  ...limitShape,
  ...reconnectShape,
});

const flags = {
  ...transferOptions,
  '--channels <n>': 'tables that are filled side by side, 1 to 255 (1; K-106)',
  ...limitOptions('writes'),
  ...reconnectOptions,
};

const bodyOf = (args: z.output<typeof restoreShape>) => ({
  ...{ set: args.set, channels: args.channels, limits: limitsOf(args) },
  ...transferBodyOf(args),
  ...reconnectOf(args.reconnect),
});

const path = '/api/v1/logical-restores';

/** `holdfast logical restore`: databases and tables of a logical set into a live instance. */
export function addLogicalRestoreVerbs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'restore-plan <set>',
    title: 'print what a logical restore would do, without touching anything',
    options: flags,
    shape: restoreShape,
    act: async (_cli, args) => {
      const answer = await (await cli.client()).post(transferPlanShape, `${path}/plan`, bodyOf(args));
      return { json: answer, text: transferPlanText(answer) };
    },
  });
  addVerb(noun, cli, {
    usage: 'restore <set>',
    title: 'restore databases or tables of a logical set into a live instance',
    options: { ...flags, ...waitOptions },
    shape: restoreShape.extend(waitShape),
    act: (_cli, args, isJson) =>
      startAndWatch(cli, { path, body: bodyOf(args), wait: args.wait, timeout: args.timeout, isJson }),
  });
}
