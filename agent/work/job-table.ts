import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Faults } from '#core/faults/fault-points.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { RunId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { JobHandle, JobStep, JobTable } from '#core/ports/job-table.ts';
import type { StepEnd } from '#core/ports/step.ts';
import { noProgress } from '#core/run/progress.ts';
import type { LogLine, Progress } from '#core/run/progress.ts';
import type { RateLimits } from '#core/run/rate.ts';
import { changedLimits, ratesAt } from '#core/run/rate.ts';
import type { JobKey, WorkOrder, WorkResult } from '#core/run/work-order.ts';
import { jobKeyOf } from '#core/run/work-order.ts';
import type { Fence } from './fence.ts';
import { Patience } from './patience.ts';
import { PauseSwitch } from './pause-switch.ts';
import type { RunGate } from './run-gate.ts';
import type { RunJournal } from './run-journal.ts';

export interface JobDeps {
  readonly journal: RunJournal;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: (runId: RunId, line: LogLine) => void;
  /** Whether a run is open still; nobody is asked when absent. */
  readonly gate?: RunGate;
  /** Where a test lets the agent die. */
  readonly faults?: Faults | undefined;
}

export interface ClosableJobTable extends JobTable {
  /** True while the job of a run works in this process. */
  isLive(runId: RunId): boolean;
  /** Runs that something works for in this process. */
  live(): readonly RunId[];
  /** Stops what works for a run that is over; each job ends as `run_over` when it has cleaned up. */
  giveUp(runId: RunId): void;
  /** Stops every job for a restart of the agent: nothing is journalled, the next process goes on. */
  close(): Promise<void>;
}

interface Job {
  readonly runId: RunId;
  readonly handle: JobHandle;
  readonly abort: AbortController;
  readonly control: JobControl;
}

/** What an operator may change while a job runs. */
interface JobControl {
  /** What he set: the limits of the order hold where this says nothing. Undefined until it is known. */
  change: RateLimits | undefined;
  readonly pause: PauseSwitch;
}

type Begin = (step: JobStep) => Promise<WorkResult>;

/** The jobs of this process. A job outlives the activity attempts that attach to it. */
export function openJobTable(deps: JobDeps): ClosableJobTable {
  const jobs = new Map<JobKey, Job>();
  const patience = new Map<JobKey, Patience>();
  const patienceOf = (order: WorkOrder): Patience => {
    const key = jobKeyOf(order);
    const known = patience.get(key) ?? new Patience(deps.clock, order.reconnectMinutes);
    patience.set(key, known);
    return known;
  };
  const jobsOf = (runId: RunId): readonly Job[] => [...jobs.values()].filter((job) => job.runId === runId);
  let lastChange: Promise<void> = Promise.resolve();
  /** Changes build on each other: one at a time, in the order they came. */
  const inTurn = (change: () => Promise<void>): Promise<void> => {
    const mine = lastChange.then(change);
    lastChange = mine.catch(() => undefined);
    return mine;
  };
  return {
    attach: (order, begin) => {
      const key = jobKeyOf(order);
      const known = jobs.get(key);
      if (known !== undefined) return known.handle;
      const job = startJob(deps, { order, begin, patience: patienceOf(order) });
      jobs.set(key, job);
      void job.handle.end.then((end) => {
        jobs.delete(key);
        if (end.ok || !end.error.isRetryable) patience.delete(key);
      });
      return job.handle;
    },
    setLimits: (runId, change) =>
      inTurn(async () => {
        const all = changedLimits((await deps.journal.limits(runId)) ?? {}, change);
        await deps.journal.recordLimits(runId, all);
        for (const job of jobsOf(runId)) job.control.change = all;
      }),
    setPaused: (runId, isPaused) =>
      inTurn(async () => {
        await deps.journal.recordPaused(runId, isPaused);
        for (const job of jobsOf(runId)) job.control.pause.set(isPaused);
      }),
    isLive: (runId) => jobsOf(runId).length > 0,
    live: () => [...new Set([...jobs.values()].map((job) => job.runId))],
    giveUp: (runId) => {
      for (const job of jobsOf(runId)) job.abort.abort(fail('run_over', { run: runId }));
    },
    close: async () => {
      const running = [...jobs.values()];
      for (const job of running) job.abort.abort(fail('agent_stopping', {}));
      await Promise.all(running.map((job) => job.handle.end));
    },
  };
}

interface Start {
  readonly order: WorkOrder;
  readonly begin: Begin;
  readonly patience: Patience;
}

function startJob(deps: JobDeps, { order, begin, patience }: Start): Job {
  const abort = new AbortController();
  let progress: Progress = { ...noProgress, phase: 'queued' };
  const control: JobControl = { change: undefined, pause: new PauseSwitch() };
  let first: RateLimits = {};
  const step: JobStep = {
    runId: order.runId,
    signal: abort.signal,
    report: (now) => {
      progress = now;
      patience.sees(now);
    },
    log: (line) => {
      deps.log(order.runId, line);
    },
    limits: () => ({
      ...ratesAt(changedLimits(first, control.change ?? {}), deps.clock.nowMs()),
      ...(control.pause.isOn ? { isPaused: true } : {}),
    }),
    startLimits: (limits) => {
      first = limits;
    },
    reconnectMs: order.reconnectMinutes * 60_000,
    ...(deps.gate === undefined ? {} : { demandOpen: passing(deps.gate, () => step, abort) }),
    ...(deps.faults === undefined ? {} : { faults: deps.faults }),
  };
  const end = runJob(deps, { order, step, begin, control }).then((result) => {
    if (!result.ok && result.error.isRetryable) {
      patience.fails();
      step.log({ level: 'warn', message: `${result.error.message} (${result.error.code})` });
    }
    return result;
  });
  const handle: JobHandle = {
    end,
    progress: () => progress,
    cancel: () => {
      abort.abort(fail('cancelled', { what: `The work of run ${order.runId}` }));
    },
    isGivenUp: () => patience.isOver(),
  };
  return { runId: order.runId, handle, abort, control };
}

/** A run that is found over ends its job as a cancel would: what it began is cleaned up. */
const passing = (gate: RunGate, step: () => JobStep, abort: AbortController) => async (): Promise<void> => {
  try {
    await gate(step());
  } catch (error) {
    abort.abort(error);
    throw error;
  }
};

interface Running {
  readonly order: WorkOrder;
  readonly step: JobStep;
  readonly begin: Begin;
  readonly control: JobControl;
}

async function runJob(deps: JobDeps, { order, step, begin, control }: Running): Promise<StepEnd<WorkResult>> {
  const { journal, fence } = deps;
  try {
    const key = jobKeyOf(order);
    const finished = await journal.end(key);
    if (finished !== undefined) return finished;
    const kept = await journal.limits(order.runId);
    control.change ??= kept;
    // Why not the last part: a run that is cancelled while it is paused still has to end.
    if (order.part !== 'after') control.pause.recall(await journal.isPaused(order.runId));
    // Why before the lane: what begins now holds nothing yet, and shall not hold a session for as long as it is paused.
    await control.pause.untilOff(step.signal);
    const held = await fence.enter(order.lane.owner, { key: order.runId, kind: order.lane.kind }, step.signal);
    try {
      return await finish(deps, key, await endOf(step, begin));
    } finally {
      held.leave();
    }
  } catch (error) {
    return { ok: false, error: registered(error, step.signal) };
  }
}

async function endOf(step: JobStep, begin: Begin): Promise<StepEnd<WorkResult>> {
  try {
    return { ok: true, value: await begin(step) };
  } catch (error) {
    return { ok: false, error: registered(error, step.signal) };
  }
}

/** Ends that waiting cannot change are journalled before anyone hears of them. */
async function finish(deps: JobDeps, key: JobKey, end: StepEnd<WorkResult>): Promise<StepEnd<WorkResult>> {
  reach(deps, 'work.before-record');
  if (end.ok || !end.error.isRetryable) await deps.journal.recordEnd(key, end);
  reach(deps, 'work.after-record');
  return end;
}

/** Whatever a step throws after it was told to stop is that stop; clean-up trouble goes along as its cause. */
function registered(error: unknown, signal: AbortSignal): HoldfastError {
  const reason: unknown = signal.aborted ? signal.reason : undefined;
  if (reason instanceof HoldfastError)
    return error === reason ? reason : new HoldfastError(reason.code, reason.params, error);
  return error instanceof HoldfastError
    ? error
    : fail('step_failed', { cause: error instanceof Error ? error.message : String(error) }, error);
}
