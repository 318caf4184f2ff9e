import type { HookPlan } from '../hooks/hook.ts';
import type { HostId, ResourceId, RunId, SetId } from '../id.ts';
import type { RunKind } from '../run/run-kind.ts';
import type { RunSubjects } from '../run/search-attributes.ts';
import type { RunState } from '../run/run-state.ts';
import type { Warning } from '../run/progress.ts';

/** What a workflow needs to know of its run: ids and small options, never a secret, never a path list. */
export interface RunTicket {
  readonly runId: RunId;
  readonly kind: RunKind;
  readonly hostId: HostId;
  /** Lane the work holds: a resource, or for a restore to a copy its target (host + path). */
  readonly lane: {
    readonly owner: ResourceId | string;
    readonly kind: 'data' | 'log' | 'log-stream' | 'log-deletion' | 'logical' | 'exclusive' | 'none';
    /** See core/run/work-order.ts. */
    readonly family?: string;
    readonly isReplacing?: boolean;
  };
  /** K-084: 1–60. */
  readonly reconnectMinutes: number;
  readonly setId?: SetId;
  /** Scheduled incremental and log runs are skipped when the lane is busy; manual ones are refused or wait. */
  readonly whenBusy: 'skip' | 'refuse' | 'wait';
  /** Codes of refusals that send this run home: it is skipped, nobody is there to be refused. Absent: none. */
  readonly sentHomeBy?: readonly string[];
  /** Scripts of the job (K-087, K-088); absent when it has none. */
  readonly hooks?: HookPlan;
  /** How deep the set is read back before the run is called good; absent: not at all. */
  readonly verifyAfter?: 'quick' | 'full';
  /** For the search attributes of its workflow; absent: Temporal does not know them. */
  readonly subjects?: RunSubjects;
}

/** The last word on a run. `failed` carries the registered code and its parameters. */
export type RunOutcome =
  | { readonly state: 'succeeded'; readonly result: unknown }
  | { readonly state: 'warned'; readonly result: unknown; readonly warnings: readonly Warning[] }
  | {
      readonly state: 'failed' | 'skipped' | 'cancelled';
      readonly code: string;
      readonly params: Readonly<Record<string, string>>;
      readonly message: string;
      /** Its work was done: what came after it, a script, made it fail. */
      readonly hasWorked?: true;
    };

/** The catalog as the control activities see it. All calls are safe to repeat. */
export interface RunBook {
  /** Loads the job revision of a run (design §4). Throws `run_unknown`. */
  ticket(runId: RunId): Promise<RunTicket>;
  /** The work of a run has begun. A repeat changes nothing, and a run that was paused meanwhile stays paused. */
  begin(runId: RunId): Promise<void>;
  /** Moves a run; a move that already happened is fine, an impossible one throws `run_state_conflict`. */
  moveTo(runId: RunId, state: Exclude<RunState, RunOutcome['state']>): Promise<void>;
  close(runId: RunId, outcome: RunOutcome): Promise<void>;
  /** True once the last word on a run is recorded. */
  isClosed(runId: RunId): Promise<boolean>;
  /** Links an indexed set to its run. Throws `set_not_indexed` when the agent has not told of it yet (retryable). */
  recordSet(runId: RunId, setId: SetId): Promise<void>;
}
