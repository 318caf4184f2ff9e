import type { HostId, JobId, RunId, SetId } from '../id.ts';

/** When a script of a job runs (K-087, K-088): asked before anything, before the work in its lane, after the end of the run. */
export const hookNames = ['precondition', 'before', 'after'] as const;
export type HookName = (typeof hookNames)[number];

/** What a script that did not end well means for its run: `fail` ends or fails it, `warn` adds a warning and goes on. */
export type HookPolicy = 'fail' | 'warn';

/** A script of a job. It lies below the directory that the agent allows (`HOLDFAST_AGENT_SCRIPTS`); there is no shell. */
export interface Hook {
  /** Name or path below that directory, or absolute and inside it. */
  readonly script: string;
  readonly args: readonly string[];
  /** 1–86 400; when it is over, the whole process group is ended. */
  readonly timeoutSeconds: number;
  readonly onFailure: HookPolicy;
}

export interface Hooks {
  readonly precondition?: Hook;
  readonly before?: Hook;
  readonly after?: Hook;
}

/** What a workflow knows of the scripts of its run: which there are, how long they may take, what their failure means. */
export type HookPlan = { readonly [N in HookName]?: Pick<Hook, 'timeoutSeconds' | 'onFailure'> };

/** What a script is told of its run besides the outcome; names as they are when it asks. */
export interface HookFacts {
  readonly runId: RunId;
  readonly hostId: HostId;
  readonly jobId: JobId;
  readonly jobName: string;
  /** Kind of the run, e.g. `full-backup`. */
  readonly kind: string;
  readonly resource?: string;
  readonly setId?: SetId;
}

/** What an agent fetches about the scripts of a run. */
export interface HooksOfRun {
  readonly hooks: Hooks;
  readonly facts: HookFacts;
}

/** What the script after a run is told: how the run ends, as far as that is known then. */
export interface ToldOutcome {
  readonly state: 'succeeded' | 'warned' | 'failed' | 'cancelled';
  /** Registered code of what did not end well. */
  readonly code?: string;
}

/** A part of a run besides its main work, done by its agent as a job of its own. */
export type RunPart = HookName | 'verify';

/** How a script ended. `interrupted`: the agent died in both of its tries. */
export type HookEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'interrupted' };

/** The plan of a set of scripts; undefined when there is none. */
export function planOfHooks(hooks: Hooks | undefined): HookPlan | undefined {
  const named = hookNames.flatMap((name) => {
    const hook = hooks?.[name];
    return hook === undefined ? [] : [[name, { timeoutSeconds: hook.timeoutSeconds, onFailure: hook.onFailure }]];
  });
  return named.length === 0 ? undefined : (Object.fromEntries(named) as HookPlan);
}
