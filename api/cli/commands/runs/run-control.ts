import type { Command } from 'commander';
import { z } from 'zod';
import { runShape } from '#catalog/runs/runs.ts';
import { fail } from '#core/errors/fail.ts';
import type { RateLimits } from '#core/run/rate.ts';
import { formatLimit } from '#core/settings/rate-text.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { limitsOf } from '#api/cli/commands/jobs/limit-words.ts';

const oneRun = z.object({ run: idShape('run') });

/** Verbs that change a run while it works. */
export function addRunControl(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'limit <run>',
    title: 'change the rate limits of a running run; in force within 2 s (K-085, K-086)',
    options: {
      '--transfer <limit>': 'limit to and from the pool: 20MiB/s, unlimited, or "mon-fri 08-18 10MiB/s; 50MiB/s"',
      '--disk <limit>': 'limit of the disk, written alike; what is not given stays as it is',
      '--zone <zone>': 'time zone of the hours, e.g. Asia/Shanghai (that of this terminal)',
    },
    shape: oneRun.extend({
      transfer: z.string().optional(),
      disk: z.string().optional(),
      zone: z.string().optional(),
    }),
    act: async (_cli, { run, transfer, disk, zone }) => {
      const limits = limitsOf({ limitTransfer: transfer, limitDisk: disk, limitZone: zone });
      if (Object.keys(limits).length === 0)
        throw fail('value_malformed', {
          text: '',
          what: 'change',
          expected: '--transfer <limit>, --disk <limit> or both',
        });
      const answer = await (await cli.client()).post(runShape, `/api/v1/runs/${run}/throttle`, limits);
      return { json: answer, text: `Run ${run}: ${limitsText(limits)}.` };
    },
  });
  addVerb(noun, cli, {
    usage: 'pause <run>',
    title: 'stop the reading, writing and sending of a run at once and keep what it holds, until it is resumed',
    shape: oneRun,
    act: async (_cli, { run }) => {
      const answer = await (await cli.client()).post(runShape, `/api/v1/runs/${run}/pause`);
      return { json: answer, text: `Run ${run} is paused; go on with: holdfast run resume ${run}` };
    },
  });
  addVerb(noun, cli, {
    usage: 'resume <run>',
    title: 'go on with a paused run',
    shape: oneRun,
    act: async (_cli, { run }) => {
      const answer = await (await cli.client()).post(runShape, `/api/v1/runs/${run}/resume`);
      return { json: answer, text: `Run ${run} goes on.` };
    },
  });
}

const limitsText = ({ transferWindows = [], diskWindows = [], ...rates }: RateLimits): string =>
  [
    ...(rates.transferBytesPerSecond === undefined
      ? []
      : [`transfer ${formatLimit(rates.transferBytesPerSecond, transferWindows)}`]),
    ...(rates.diskBytesPerSecond === undefined ? [] : [`disk ${formatLimit(rates.diskBytesPerSecond, diskWindows)}`]),
  ].join(', ');
