import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { HookName } from '#core/hooks/hook.ts';
import { hookNames } from '#core/hooks/hook.ts';

/** Options of every command that starts a run or describes a job (K-087, K-088). */
export const hookOptions = {
  '--precondition <command>':
    'script that says whether to run: exit status 0 goes on, 1 skips the run; a name below the scripts directory of the agent, then its arguments',
  '--before <command>': 'script right before the work, when the run has its lane (K-087)',
  '--after <command>': 'script after the work, told the outcome, also when it failed or was cancelled (K-088)',
  '--script-timeout <seconds>': 'time of each script, 1 to 86400 (300)',
  '--script-failure <fail|warn>':
    'what a script that fails means; without it those before the work fail the run, the one after it is a warning',
};
export const hookShape = {
  precondition: z.string().optional(),
  before: z.string().optional(),
  after: z.string().optional(),
  scriptTimeout: z.coerce.number().int().optional(),
  scriptFailure: z.enum(['fail', 'warn']).optional(),
};

/** Options of commands that make a set. */
export const verifyOptions = {
  '--verify <none|quick|full>': 'read the new set back before the run is called good (none)',
};
export const verifyShape = { verify: z.enum(['none', 'quick', 'full']).optional() };
export const verifyOf = (verify: 'none' | 'quick' | 'full' | undefined) =>
  verify === undefined ? {} : { verifyAfter: verify };

type TypedHooks = { readonly [N in HookName]?: string | undefined } & {
  readonly scriptTimeout?: number | undefined;
  readonly scriptFailure?: 'fail' | 'warn' | undefined;
};

/** The part of a request body that names scripts; nothing when none was typed. Throws `value_malformed`. */
export function hooksOf(typed: TypedHooks) {
  const { scriptTimeout, scriptFailure } = typed;
  const common = {
    ...(scriptTimeout === undefined ? {} : { timeoutSeconds: scriptTimeout }),
    ...(scriptFailure === undefined ? {} : { onFailure: scriptFailure }),
  };
  const named = hookNames.flatMap((name) => {
    const text = typed[name];
    return text === undefined ? [] : [[name, { ...commandOf(name, text), ...common }] as const];
  });
  return named.length === 0 ? {} : { hooks: Object.fromEntries(named) };
}

/** Words are separated by blanks; one with blanks in it stands in single or double quotes. No shell sees them. */
function commandOf(name: HookName, text: string): { readonly script: string; readonly args: readonly string[] } {
  const words = Array.from(text.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g), ([, a, b, c]) => a ?? b ?? c ?? '');
  const left = text.replace(/"[^"]*"|'[^']*'|[^\s"']+/g, '').trim();
  const [script, ...args] = words;
  if (script === undefined || script === '' || left !== '')
    throw fail('value_malformed', { text, what: `--${name}`, expected: 'a script and its arguments, quotes in pairs' });
  return { script, args };
}
