import type { Hook, HookEnd, HookName, Hooks } from '../hooks/hook.ts';
import type { StepContext } from './step.ts';

export interface HookCall {
  readonly name: HookName;
  readonly hook: Hook;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs the scripts of jobs on a host (K-087, K-088). */
export interface HookRunner {
  /** Looks at all scripts without running any. Throws `scripts_not_allowed`, `script_missing`, `script_refused`. */
  check(hooks: Hooks): Promise<void>;
  /**
   * Runs a script once, and once more when the agent died in the middle; what it writes goes to the log of the run. Throws
   * what `check` throws, and the reason of the signal.
   */
  run(call: HookCall, step: StepContext): Promise<HookEnd>;
}
