import type { Command } from 'commander';
import { z } from 'zod';
import { planShape } from '#core/settings/plan.ts';
import { instantShape } from '#core/settings/shape/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { tableOf } from '#api/cli/terminal.ts';
import { timeOfPlan } from './plan-times.ts';

const answerShape = z.looseObject({
  planned: z.array(
    z.looseObject({ name: z.string(), words: z.string(), plan: planShape, nextRuns: z.array(instantShape) }),
  ),
  jobs: z.array(z.looseObject({ id: z.string() })),
});

/** `holdfast strategy apply`: the recommended jobs in one command (K-058, K-059, K-060). */
export function addStrategyCommands(program: Command, cli: Cli): void {
  const noun = program.command('strategy').description('the recommended jobs of a resource');
  addVerb(noun, cli, {
    usage: 'apply',
    title:
      'create three jobs: full on Sunday 01:00, incremental at 02:00 on the other days, log every hour (K-058…K-060)',
    options: {
      '--resource <resource>': 'database instance, by name or id',
      '--pool <pool>': 'where it goes',
      '--zone <zone>': 'IANA time zone of the times (that of this terminal)',
      '--dry-run': 'only say what they would be',
    },
    shape: z.object({
      ...{ resource: z.string(), pool: z.string(), zone: z.string().optional(), dryRun: z.boolean().default(false) },
    }),
    act: async (_cli, { resource, pool, dryRun, zone = Intl.DateTimeFormat().resolvedOptions().timeZone }) => {
      const body = { resource, pool, zone, isDryRun: dryRun };
      const answer = await (await cli.client()).post(answerShape, '/api/v1/strategies', body);
      const rows = answer.planned.map(({ name, words, plan, nextRuns }) => [
        name,
        words,
        timeOfPlan(nextRuns[0], plan),
      ]);
      return { json: answer, text: tableOf(['JOB', 'PLAN', 'FIRST RUN'], rows) };
    },
  });
}
