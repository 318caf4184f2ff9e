import { bug } from '#core/errors/fail.ts';
import type { HookName } from '#core/hooks/hook.ts';
import { hookEnvironment } from '#core/hooks/hook-environment.ts';
import { judgeHook } from '#core/hooks/judge-hook.ts';
import { noProgress } from '#core/run/progress.ts';
import type { WorkOrder, WorkResult } from '#core/run/work-order.ts';
import { attach } from './attach.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';

/**
 * Runs one script of a run. The part `precondition` is the first of every run that has scripts: it looks at all of them,
 * so that one which cannot run is refused before anything is touched. A script that says "not now" ends as `precondition_false`.
 */
export const runHook =
  ({ channel, jobs, hooks: runner }: HostDeps): HostActivities['runHook'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const name = nameOf(order);
      step.report({ ...noProgress, phase: name });
      const { hooks, facts } = await untilAvailable(() => channel.hooks(step.runId), step.signal);
      if (name === 'precondition') await runner.check(hooks);
      const hook = hooks[name];
      if (hook === undefined) return done;
      const env = hookEnvironment(name, facts, order.told);
      const verdict = judgeHook(name, hook, await runner.run({ name, hook, env }, step));
      if (verdict.verdict !== 'go') throw verdict.because;
      for (const { detail } of verdict.warnings) step.log({ level: 'warn', message: detail });
      return { ...done, warnings: verdict.warnings };
    });

const done: WorkResult = { report: {}, warnings: [] };

function nameOf({ part, runId }: WorkOrder): HookName {
  if (part === undefined || part === 'verify') throw bug(`run ${runId} asked for a script without saying which`);
  return part;
}
