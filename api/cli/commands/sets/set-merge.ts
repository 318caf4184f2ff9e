import type { Command } from 'commander';
import { z } from 'zod';
import { idShape } from '#core/settings/shape/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { compressionOf } from '#api/cli/commands/backup.ts';
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
} from '#api/cli/commands/jobs/limit-words.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const mergeShape = z.object({
  ...waitShape,
  set: idShape('set'),
  pool: z.string().optional(),
  name: z.string().min(1).max(2000).optional(),
  channels: z.coerce.number().int().optional(),
  compression: z.string().optional(),
  limitTransfer: limitShape.limitTransfer,
  limitZone: limitShape.limitZone,
  ...reconnectShape,
  ...resumeBufferShape,
});

/** Nothing is read from or written to a disk of the database. */
const transferOptions = Object.fromEntries(
  Object.entries(limitOptions('reads')).filter(([usage]) => !usage.startsWith('--limit-disk')),
);

/** Synthetic fulls: so that a chain need not be read for ever, and retention may delete its old sets. */
export function addMergeVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'merge <set>',
    title: 'make one full of an incremental and all it builds on, in its pool, without touching the database',
    options: {
      '--pool <pool>': 'where it lies in several pools: in which it is merged',
      '--name <text>': 'name of the full that is made',
      '--channels <n>': 'parallel streams, 1 to 255 (1; K-081), on at most two threads a processor',
      '--compression <mode>':
        'of what must be packed anew: none, fast or a zstd level from 1 to 22 (fast; K-079); frames that are wanted as they are stay packed as they are',
      ...transferOptions,
      ...resumeBufferOptions,
      ...reconnectOptions,
      ...waitOptions,
    },
    shape: mergeShape,
    act: (_cli, args, isJson) => {
      const { set, pool, timeout } = args;
      const query = pool === undefined ? '' : `?pool=${encodeURIComponent(pool)}`;
      const path = `/api/v1/backup-sets/${set}/merge${query}`;
      return startAndWatch(cli, { path, body: bodyOf(args), wait: args.wait, timeout, isJson });
    },
  });
}

function bodyOf(args: z.output<typeof mergeShape>) {
  const { name, channels, compression, reconnect, resumeBuffer } = args;
  return {
    ...(name === undefined ? {} : { name }),
    ...(channels === undefined ? {} : { channels }),
    ...(compression === undefined ? {} : { compression: compressionOf(compression) }),
    limits: limitsOf(args),
    ...resumeBufferOf(resumeBuffer),
    ...reconnectOf(reconnect),
  };
}
