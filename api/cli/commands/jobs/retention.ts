import type { Command } from 'commander';
import { z } from 'zod';
import { policyRowShape } from '#catalog/pools/retention.ts';
import type { RetentionPolicy, RetentionRule } from '#core/care/policy.ts';
import { policyText } from '#core/care/policy.ts';
import type { CarePlan } from '#core/care/retention-plan.ts';
import { fail } from '#core/errors/fail.ts';
import { carePlanShape } from '#core/settings/shape/care.ts';
import { listShape } from '#api/routes/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { tableOf } from '#api/cli/terminal.ts';
import { planText } from './care-plan-text.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const scope = { resource: z.string(), pool: z.string() };
const scopeOptions = { '--resource <resource>': 'whose sets and log', '--pool <pool>': 'in which pool' };
const count = z.coerce.number().int().optional();

const setShape = z.object({
  ...scope,
  ...{ fulls: count, windowDays: count, daily: count, weekly: count, monthly: count, yearly: count },
  ...{ zone: z.string().default('UTC'), logDays: count, minimumFulls: count, none: z.boolean().default(false) },
});
type SetArgs = z.output<typeof setShape>;

/** `holdfast retention …`: policy → plan → show → execute. */
export function addRetentionCommands(program: Command, cli: Cli): void {
  const noun = program.command('retention').description('which sets and which log are kept, and why');
  addPolicyVerbs(noun, cli);
  addVerb(noun, cli, {
    usage: 'plan',
    title: 'show what would be deleted, with the reason for each set and stretch of log; nothing is touched',
    options: scopeOptions,
    shape: z.object(scope),
    act: async (_cli, body) => {
      const plan: CarePlan = await (await cli.client()).post(carePlanShape, '/api/v1/retention/plans', body);
      return { json: plan, text: planText(plan, `holdfast retention run --plan ${plan.planId} --wait`) };
    },
  });
  addVerb(noun, cli, {
    usage: 'run',
    title: 'execute exactly the plan that was shown; refused when what it stands on has changed',
    options: { '--plan <plan>': 'id that `retention plan` printed', ...waitOptions },
    shape: z.object({ ...waitShape, plan: z.string() }),
    act: (_cli, { plan, wait, timeout }, isJson) =>
      startAndWatch(cli, {
        path: `/api/v1/care-plans/${encodeURIComponent(plan)}/run`,
        body: {},
        wait,
        timeout,
        isJson,
      }),
  });
}

function addPolicyVerbs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'show',
    title: 'list the policies; a resource without one keeps everything',
    shape: z.object({}),
    act: async () => {
      const { data } = await (await cli.client()).get(listShape(policyRowShape), '/api/v1/retention');
      const rows = data.map(({ resourceName, poolName, policy }) => [resourceName, poolName, policyText(policy)]);
      return {
        json: data,
        text: rows.length === 0 ? 'No retention is set.' : tableOf(['RESOURCE', 'POOL', 'KEEPS'], rows),
      };
    },
  });
  addVerb(noun, cli, {
    usage: 'set',
    title: 'say what is kept of a resource in a pool; nothing is deleted by this',
    options: {
      ...scopeOptions,
      '--fulls <n>': 'the last N good fulls and all that is newer',
      '--window-days <n>': 'every point of the last N days',
      '--daily <n>': 'the newest full of each of the last N days that have one',
      '--weekly <n>': 'of weeks, from Monday',
      '--monthly <n>': 'of months',
      '--yearly <n>': 'of years',
      '--zone <zone>': 'time zone of days, weeks, months and years (UTC)',
      '--log-days <n>': 'log for N days; as far back as the sets when absent',
      '--minimum-fulls <n>': 'good fulls that stay whatever happens (1)',
      '--none': 'take the policy away: everything is kept',
    },
    shape: setShape,
    act: async (_cli, args) => {
      const { resource, pool } = args;
      const body = { resource, pool, policy: args.none ? null : policyOf(args) };
      const { data } = await (await cli.client()).post(listShape(policyRowShape), '/api/v1/retention', body);
      const kept = data.map(({ policy }) => policyText(policy)).join('') || 'everything';
      return { json: data, text: `Of ${resource} in ${pool} is kept: ${kept}.` };
    },
  });
}

function policyOf(args: SetArgs): RetentionPolicy {
  const rules = [...fullsRule(args), ...windowRule(args), ...generationsRule(args)];
  const [rule] = rules;
  if (rule === undefined) throw fail('retention_rule_missing', {});
  if (rules.length > 1)
    throw fail('retention_policy_bad', {
      what: 'it needs exactly one of --fulls, --window-days and generations (--daily …)',
    });
  const { logDays, minimumFulls = 1 } = args;
  return { rule, minimumFulls, ...(logDays === undefined ? {} : { logDays }) };
}

const fullsRule = ({ fulls }: SetArgs): RetentionRule[] =>
  fulls === undefined ? [] : [{ kind: 'fulls', count: fulls }];
const windowRule = ({ windowDays }: SetArgs): RetentionRule[] =>
  windowDays === undefined ? [] : [{ kind: 'window', days: windowDays }];

function generationsRule({ daily, weekly, monthly, yearly, zone }: SetArgs): RetentionRule[] {
  if ([daily, weekly, monthly, yearly].every((one) => one === undefined)) return [];
  return [
    { kind: 'generations', daily: daily ?? 0, weekly: weekly ?? 0, monthly: monthly ?? 0, yearly: yearly ?? 0, zone },
  ];
}
