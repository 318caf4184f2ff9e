import type { Command } from 'commander';
import { z } from 'zod';
import { idShape } from '#core/settings/shape/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { startAndWatch, waitOptions, waitShape } from './run-words.ts';

export function addRetryVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'retry <run>',
    title: 'try a run that is over again: a new run of its job, as the job was then',
    options: waitOptions,
    shape: z.object({ ...waitShape, run: idShape('run') }),
    act: (_cli, { run, wait, timeout }, isJson) =>
      startAndWatch(cli, { path: `/api/v1/runs/${run}/retry`, wait, timeout, isJson }),
  });
}
