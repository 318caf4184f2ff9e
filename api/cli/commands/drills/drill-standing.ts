import type { Command } from 'commander';
import { z } from 'zod';
import { acceptable } from '#core/drill/proof.ts';
import type { Cli, Said } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { durationText } from '#api/cli/progress-text.ts';
import { timeText } from '#api/cli/terminal.ts';

export const outlookShape = z.looseObject({
  maxAgeHours: z.number().optional(),
  lastPassedRun: z.string().optional(),
  lastPassedAt: z.string().optional(),
  accepted: z.array(z.string()).default([]),
  unproven: z.array(z.string()).default([]),
  lastProvenRun: z.string().optional(),
  lastProvenAt: z.string().optional(),
  isStale: z.boolean(),
  predictedRtoSeconds: z.number().optional(),
});

/** What is asked of the drills of a resource, and whether they keep to it. */
export function addStandingVerbs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'outlook <resource>',
    title: 'when a drill last passed, whether that is too long ago, and how long a recovery would take now',
    shape: z.object({ resource: z.string() }),
    act: async (_cli, { resource }) => {
      const path = `/api/v1/resources/${encodeURIComponent(resource)}/drill-outlook`;
      return outlookSaid(await (await cli.client()).get(outlookShape, path));
    },
  });
  addVerb(noun, cli, {
    usage: 'policy <resource>',
    title:
      'raise an alarm when the last drill that proved enough is older than this; takes the place of the policy before, without options there is none',
    options: {
      '--max-age <hours>': 'hours',
      '--accept-unchecked <check...>':
        'checks that a drill need not make to count and to end without a warning: pages, structure, canary, static-tables; may be repeated',
    },
    shape: z.object({
      resource: z.string(),
      maxAge: z.coerce.number().int().optional(),
      acceptUnchecked: z.array(z.enum(acceptable)).default([]),
    }),
    act: async (_cli, { resource, maxAge, acceptUnchecked: accepted }) => {
      const path = `/api/v1/resources/${encodeURIComponent(resource)}/drill-policy`;
      const body = maxAge === undefined ? { accepted } : { accepted, maxAgeHours: maxAge };
      return outlookSaid(await (await cli.client()).put(outlookShape, path, body));
    },
  });
}

function outlookSaid(outlook: z.output<typeof outlookShape>): Said {
  const { lastPassedRun, lastPassedAt, lastProvenRun, lastProvenAt, unproven, predictedRtoSeconds } = outlook;
  const when = (run: string | undefined, at: string | undefined): string =>
    run === undefined ? 'never' : `${timeText(at)} (${run})`;
  const less = unproven.length === 0 ? '' : `, without proof of ${unproven.join(', ')}: it does not count`;
  const text = [
    `last passed    ${when(lastPassedRun, lastPassedAt)}${less}`,
    ...(lastProvenRun === lastPassedRun ? [] : [`last proven    ${when(lastProvenRun, lastProvenAt)}`]),
    `policy         ${policyText(outlook)}`,
    `recovery now   ${predictedRtoSeconds === undefined ? 'not known before a drill has passed' : `about ${secondsText(predictedRtoSeconds)}`}`,
  ].join('\n');
  return { json: outlook, text };
}

function policyText({ maxAgeHours, accepted, isStale }: z.output<typeof outlookShape>): string {
  const age = maxAgeHours === undefined ? 'no alarm' : `at least every ${String(maxAgeHours)} h`;
  const without = accepted.length === 0 ? '' : `, need not prove ${accepted.join(', ')}`;
  return `${age}${without}${isStale ? ': STALE' : ''}`;
}

export const secondsText = (seconds: number | undefined): string =>
  seconds === undefined ? '-' : seconds < 60 ? `${seconds.toFixed(1)} s` : durationText(Math.round(seconds));
