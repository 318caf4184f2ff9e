import { fail } from '../errors/fail.ts';
import type { HoldfastError } from '../errors/holdfast-error.ts';
import type { Warning } from '../run/progress.ts';
import type { Hook, HookEnd, HookName, HookPolicy } from './hook.ts';

/** What follows from the end of a script. */
export type HookVerdict =
  | { readonly verdict: 'go'; readonly warnings: readonly Warning[] }
  | { readonly verdict: 'skip'; readonly because: HoldfastError }
  | { readonly verdict: 'fail'; readonly because: HoldfastError };

/** Exit status of a precondition that says "not now"; every other one but 0 is trouble. */
const skipExit = 1;

/** Judges the end of a script by its policy (K-087, K-088): 0 is good, 1 of a precondition skips the run. */
export function judgeHook(name: HookName, hook: Hook, end: HookEnd): HookVerdict {
  if (end.kind === 'exited' && end.exitCode === 0) return { verdict: 'go', warnings: [] };
  if (name === 'precondition' && end.kind === 'exited' && end.exitCode === skipExit)
    return { verdict: 'skip', because: fail('precondition_false', { script: hook.script }) };
  return verdictOn(troubleOf(name, hook, end), hook.onFailure);
}

/** What a script that did not end well means by its policy. */
export const verdictOn = (because: HoldfastError, policy: HookPolicy): HookVerdict =>
  policy === 'fail'
    ? { verdict: 'fail', because }
    : { verdict: 'go', warnings: [{ code: because.code, detail: because.message }] };

function troubleOf(hook: HookName, { script, timeoutSeconds }: Hook, end: HookEnd): HoldfastError {
  switch (end.kind) {
    case 'exited':
      return fail('script_failed', { hook, script, exit: String(end.exitCode) });
    case 'timed-out':
      return fail('script_timed_out', { hook, script, seconds: String(timeoutSeconds) });
    case 'interrupted':
      return fail('script_interrupted', { hook, script });
  }
}
