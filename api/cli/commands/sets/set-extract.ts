import type { Command } from 'commander';
import { z } from 'zod';
import { idShape } from '#core/settings/shape/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { reconnectOf, reconnectOptions, reconnectShape } from '#api/cli/commands/jobs/limit-words.ts';
import { inPool, poolOption, poolShape } from '#api/cli/commands/pools/pool-words.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const extractShape = z.object({
  ...waitShape,
  set: idShape('set'),
  what: z.string().min(1),
  to: z.string(),
  host: z.string().optional(),
  ...poolShape,
  ...reconnectShape,
});

/** One file or relation of a set, for a look at it. */
export function addExtractVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'extract <set> <what>',
    title:
      'write a file (by its path), or all segments and forks of a relation (by a path or as database.schema.relation), into an empty directory',
    options: {
      '--to <directory>': 'empty or absent directory on the host',
      '--host <host>': 'whose directory it is; that of the instance when absent',
      ...poolOption,
      ...reconnectOptions,
      ...waitOptions,
    },
    shape: extractShape,
    act: (_cli, { set, what, to, host, pool, reconnect, wait, timeout }, isJson) => {
      const body = { what, directory: to, ...(host === undefined ? {} : { host }), ...reconnectOf(reconnect) };
      return startAndWatch(cli, {
        path: `/api/v1/backup-sets/${set}/extract${inPool(pool)}`,
        body,
        wait,
        timeout,
        isJson,
      });
    },
  });
}
