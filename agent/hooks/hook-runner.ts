import type { Hook, HookEnd, HookName, Hooks } from '#core/hooks/hook.ts';
import { hookNames } from '#core/hooks/hook.ts';
import { outputLines } from '#core/hooks/output-lines.ts';
import type { HookCall, HookRunner } from '#core/ports/hook-runner.ts';
import type { StepContext } from '#core/ports/step.ts';
import { execScript } from '#agent/exec.ts';
import { findScript } from './find-script.ts';
import type { HookTries } from './hook-tries.ts';
import { endLeftScripts } from './left-scripts.ts';

export interface HookRunnerParts {
  /** `HOLDFAST_AGENT_SCRIPTS`; without it no script is allowed. */
  readonly directory: string | undefined;
  readonly tries: HookTries;
}

/** A script that an agent was killed in is begun once more, and never again after that. */
const mostTries = 2;
const keptBytes = 64 * 1024;

/** Runs scripts of jobs on this host. */
export const openHookRunner = (parts: HookRunnerParts): HookRunner => ({
  check: (hooks) =>
    Promise.resolve().then(() => {
      checkAll(parts, hooks);
    }),
  run: (call, step) => run(parts, call, step),
});

function checkAll({ directory }: HookRunnerParts, hooks: Hooks): void {
  for (const name of hookNames) {
    const hook = hooks[name];
    if (hook !== undefined) findScript(directory, hook.script);
  }
}

async function run({ directory, tries }: HookRunnerParts, call: HookCall, step: StepContext): Promise<HookEnd> {
  const { name, hook, env } = call;
  const command = findScript(directory, hook.script);
  const before = await tries.count(step.runId, name);
  if (before > 0) {
    const left = endLeftScripts(step.runId, name);
    const ended = left === 0 ? '' : `; ${String(left)} processes that it left were ended`;
    step.log({ level: 'warn', message: `${name} script ${hook.script} was cut off by a restart of the agent${ended}` });
  }
  if (before >= mostTries) return { kind: 'interrupted' };
  step.signal.throwIfAborted();
  await tries.begin(step.runId, name);
  // Why not the arguments: auditors read the log of a run, and people put passwords there.
  const many = hook.args.length === 0 ? '' : ` with ${String(hook.args.length)} arguments`;
  step.log({ level: 'info', message: `${name} script ${hook.script}${many} begins` });
  const timeoutMs = hook.timeoutSeconds * 1000;
  const { signal } = step;
  const result = await execScript({ command, args: hook.args, env, signal, timeoutMs, keptBytes });
  for (const line of outputLines(result.output)) step.log({ level: 'info', message: `${name} script: ${line}` });
  return tell(name, hook, step, result);
}

function tell(
  name: HookName,
  { script, timeoutSeconds }: Hook,
  step: StepContext,
  { exitCode, isTimedOut }: { readonly exitCode: number; readonly isTimedOut: boolean },
): HookEnd {
  if (isTimedOut) {
    step.log({ level: 'error', message: `${name} script ${script} was ended after ${String(timeoutSeconds)} s` });
    return { kind: 'timed-out' };
  }
  const level = exitCode === 0 ? 'info' : 'warn';
  step.log({ level, message: `${name} script ${script} ended with exit status ${String(exitCode)}` });
  return { kind: 'exited', exitCode };
}
