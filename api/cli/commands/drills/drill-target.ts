import type { Command } from 'commander';
import { z } from 'zod';
import { afterwardsWords } from '#core/drill/drill-target.ts';
import { listShape } from '#api/routes/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { copyWords } from '#api/cli/copy-words.ts';
import { tableOf, timeText } from '#api/cli/terminal.ts';

const targetShape = z.looseObject({
  ...{ resource: z.string(), markedAt: z.string(), markedBy: z.string() },
  ...{ copyOf: z.string().nullable(), copyUntil: z.string().nullable() },
});
const planShape = z.looseObject({
  resource: z.string(),
  isMarked: z.boolean(),
  steps: z.array(z.string()),
  consent: z.string(),
});

const unmarkedShape = z.looseObject({ resource: z.string(), jobs: z.array(z.string()) });

const pathOf = (resource: string): string => `/api/v1/resources/${encodeURIComponent(resource)}/drill-target`;

export const targetOptions: Readonly<Record<string, string>> = {
  '--target <resource>': 'a marked instance that is replaced, on its own host; a scratch instance when absent',
  '--afterwards <close|leave-open>': 'with --target: what becomes of it (close)',
};

export const targetFields = {
  target: z.string().optional(),
  afterwards: z.enum(afterwardsWords).optional(),
};

/** Instances that drills may replace. */
export function addDrillTargetCommands(drill: Command, cli: Cli): void {
  const noun = drill.command('target').description('registered instances that a drill may replace');
  addVerb(noun, cli, {
    usage: 'mark <resource>',
    title: 'show what it means that drills may replace an instance; with --consent mark it (K-092, K-105)',
    options: { '--consent <resource>': 'the name of the resource, typed: its data is discarded by every drill' },
    shape: z.object({ resource: z.string(), consent: z.string().optional() }),
    act: async (_cli, { resource, consent }) => {
      const client = await cli.client();
      if (consent !== undefined) {
        const made = await client.put(targetShape, pathOf(resource), { consent });
        return { json: made, text: `${made.resource} is a drill target: holdfast drill run --target ${made.resource}` };
      }
      const plan = await client.post(planShape, `${pathOf(resource)}/plan`, {});
      const steps = plan.steps.map((step, at) => `${String(at + 1)}. ${step}`);
      const command = `Executed with: holdfast drill target mark ${resource} --consent ${plan.consent}`;
      const text = plan.isMarked ? `${plan.resource} is a drill target` : [...steps, '', command].join('\n');
      return { json: plan, text };
    },
  });
  addVerb(noun, cli, {
    usage: 'unmark <resource>',
    title: 'no drill may replace this instance any more',
    shape: z.object({ resource: z.string() }),
    act: async (_cli, { resource }) => {
      const json = await (await cli.client()).remove(unmarkedShape, pathOf(resource));
      const left = json.jobs.length === 0 ? '' : `\nRefused from now on, as they drill to it: ${json.jobs.join(', ')}`;
      return { json, text: `${json.resource} is no drill target${left}` };
    },
  });
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'instances that are marked',
    shape: z.object({}),
    act: async () => {
      const { data } = await (await cli.client()).get(listShape(targetShape), '/api/v1/drill-targets');
      const rows = data.map((one) => [
        ...[one.resource, timeText(one.markedAt), one.markedBy],
        copyWords({ ...one, isDrillTarget: false }),
      ]);
      const text = rows.length === 0 ? 'No drill target.' : tableOf(['RESOURCE', 'MARKED', 'BY', ''], rows);
      return { json: data, text };
    },
  });
}
