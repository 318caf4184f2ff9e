import { z } from 'zod';
import type { Hook, HookFacts, HookName, HookPolicy, Hooks, HooksOfRun } from '../hooks/hook.ts';
import { field } from './field.ts';
import { idShape } from './shape/words.ts';

const since = '0.1';
const longest = 4096;

const scriptField = field(
  z
    .string()
    .min(1)
    .max(longest)
    .refine((path) => !path.includes('\0') && !path.split('/').includes('..'), 'a path without ".."'),
  {
    title: 'Script',
    description: 'Name or path below the directory that the agent allows with HOLDFAST_AGENT_SCRIPTS',
    example: 'quiesce.sh',
    since,
  },
);
const argsField = field(
  z
    .array(
      z
        .string()
        .max(longest)
        .refine((arg) => !arg.includes('\0')),
    )
    .max(100),
  {
    title: 'Arguments',
    description: 'Each reaches the script as it is: there is no shell',
    since,
  },
);
const timeoutField = field(z.number().int().min(1).max(86_400), {
  title: 'Time-out',
  description: 'After this long the script and all that it started in its process group are ended',
  unit: 'seconds',
  since,
});

const hookShape = (name: HookName, policy: HookPolicy): z.ZodType<Hook> =>
  z
    .object({
      script: scriptField,
      args: argsField.default([]),
      timeoutSeconds: timeoutField.default(300),
      onFailure: field(z.enum(['fail', 'warn']), {
        title: 'On failure',
        description: `What another exit status than 0, a time-out or two deaths of the agent mean: the run fails, or it goes on with a warning (${policy})`,
        since,
      }).default(policy),
    })
    .meta({ id: `Hook${name.charAt(0).toUpperCase()}${name.slice(1)}` });

/** Scripts of a job (K-087, K-088). */
export const hooksShape: z.ZodType<Hooks> = z
  .object({
    precondition: hookShape('precondition', 'fail').exactOptional(),
    before: hookShape('before', 'fail').exactOptional(),
    after: hookShape('after', 'warn').exactOptional(),
  })
  .meta({
    description:
      'precondition: exit status 1 skips the run; before: runs in the lane, right before the work; after: is told the outcome',
  });

const factsShape: z.ZodType<HookFacts> = z.looseObject({
  ...{ runId: idShape('run'), hostId: idShape('host'), jobId: idShape('job'), jobName: z.string(), kind: z.string() },
  ...{ resource: z.string().exactOptional(), setId: idShape('set').exactOptional() },
});

/** As it crosses `/agent/v1`. */
export const hooksOfRunShape: z.ZodType<HooksOfRun> = z.looseObject({ hooks: hooksShape, facts: factsShape });

/** How deep a set that was just made is read back before its run is called good; none when absent. */
export const verifyAfterShape = field(z.enum(['none', 'quick', 'full']), {
  title: 'Verify after the backup',
  description: 'none; quick: objects, sizes and metadata of the new set; full: every stored byte',
  since,
});
