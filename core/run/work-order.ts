import type { HookPlan, RunPart, ToldOutcome } from '../hooks/hook.ts';
import type { HostId, RunId, SetId } from '../id.ts';
import type { LaneKind } from './lane.ts';
import type { RunKind } from './run-kind.ts';
import type { Warning } from './progress.ts';

/** What a lane runs and an agent is asked for: ids only. The agent fetches the Order itself over its own channel (design §4). */
export interface WorkOrder {
  readonly runId: RunId;
  readonly kind: RunKind;
  readonly hostId: HostId;
  readonly lane: {
    readonly owner: string;
    readonly kind: LaneKind;
    /** Fulls and incrementals of one resource in one pool. */
    readonly family?: string;
    /** A scheduled full: incrementals of its family that wait give way to it (design §4). */
    readonly isReplacing?: boolean;
  };
  /** K-084: 1–60 minutes, counted from the detection of a loss. */
  readonly reconnectMinutes: number;
  /** Task-queue prefix of tests; '' in production. */
  readonly queuePrefix: string;
  /** Scripts around the work (K-087, K-088). */
  readonly hooks?: HookPlan;
  readonly verifyAfter?: 'quick' | 'full';
  /** Asks an agent for this part of the run instead of its main work. */
  readonly part?: RunPart;
  /** With the part `after`. */
  readonly told?: ToldOutcome;
}

/** Names a job of an agent: the run, and the part of it when it is not the main work. A file name. */
export type JobKey = RunId | `${RunId}.${RunPart}`;
export const jobKeyOf = ({ runId, part }: Pick<WorkOrder, 'runId' | 'part'>): JobKey =>
  part === undefined ? runId : `${runId}.${part}`;

/** A request at the lane. An entry that has waited tells its run when it begins. */
export interface LaneRequest {
  readonly order: WorkOrder;
  readonly whenBusy: 'skip' | 'refuse' | 'wait';
}

export type LaneVerdict =
  | { readonly verdict: 'entered' }
  /** 1 = next. */
  | { readonly verdict: 'waiting'; readonly position: number }
  | { readonly verdict: 'busy'; readonly holder: string }
  /** The work of this run had already ended: its outcome was signalled. */
  | { readonly verdict: 'ended' };

/** What an agent answers when a step is done: small, for histories keep it. The whole of it is in the pool and the catalog. */
export interface WorkResult {
  readonly setId?: SetId;
  /** What is told of the work, JSON: a few numbers or a report without lists of files. */
  readonly report: Readonly<Record<string, unknown>>;
  readonly warnings: readonly Warning[];
}

/** How the work of a run ended, signalled to the run. */
export type WorkEnd =
  | { readonly state: 'done'; readonly result: WorkResult }
  | {
      /** `skipped`: another run of the lane takes its place. */
      readonly state: 'failed' | 'skipped';
      readonly code: string;
      readonly params: Readonly<Record<string, string>>;
      readonly message: string;
    }
  | { readonly state: 'cancelled' };
