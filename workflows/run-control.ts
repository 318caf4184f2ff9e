import {
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { RunTicket } from '#core/ports/run-book.ts';
import { fail } from '#core/errors/fail.ts';
import { workflowFailureOf } from './failure.ts';
import type { WorkEnd } from '#core/run/work-order.ts';
import { agentRequests, controlActivities, isNobodyThere } from './activity-proxies.ts';
import type { RunInput, RunStatus, ThrottleInput } from './contract.ts';
import {
  pauseUpdate,
  resumeUpdate,
  statusQuery,
  throttleUpdate,
  workBeganSignal,
  workEndedSignal,
} from './contract.ts';

/** What others tell a run while it waits, and what it answers about itself. */
export interface RunControl {
  /** Says where the run stands now. */
  enter(phase: RunStatus['phase'], detail: string, workWorkflowId?: string): void;
  /** From here on the limits of the run can be changed. */
  knows(ticket: RunTicket): void;
  /** The ticket, once it is read. */
  known(): RunTicket | undefined;
  /** The run has its lane, or the work said so: from here on the script after it runs. */
  entersLane(): void;
  hadLane(): boolean;
  /** True when the work began or ended before the time was over. */
  workBegins(timeoutMs: number): Promise<boolean>;
  /** How the work ended, or undefined when the time was over before. */
  workEnds(timeoutMs: number): Promise<WorkEnd | undefined>;
}

/** Registers the query, the updates and the signals of a run. */
export function openRunControl(input: RunInput): RunControl {
  let status: RunStatus = { phase: 'recording', detail: 'reading the job' };
  let known: RunTicket | undefined;
  let hasBegun = false;
  let isInLane = false;
  let end: WorkEnd | undefined;
  setHandler(defineQuery<RunStatus>(statusQuery), () => status);
  setHandler(defineSignal(workBeganSignal), () => {
    hasBegun = true;
  });
  setHandler(defineSignal<[WorkEnd]>(workEndedSignal), (told) => {
    // Why: a lane that found its work terminated may repeat what the work had said itself; the first word counts.
    end ??= told;
  });
  setHandler(
    defineUpdate<undefined, [ThrottleInput]>(throttleUpdate),
    async (limits) => {
      if (known === undefined) throw workflowFailureOf(fail('run_not_ready', { run: input.runId }));
      await askAgent(input, known, (agent) => agent.setLimits(input.runId, limits));
    },
    { validator: refuseBadLimits },
  );
  const setPaused = async (isPaused: boolean): Promise<undefined> => {
    if (known === undefined || status.phase !== 'working')
      throw workflowFailureOf(fail('run_not_at_work', { run: input.runId, phase: status.phase }));
    await askAgent(input, known, (agent) => agent.setPaused(input.runId, isPaused));
    await controlActivities(input.queuePrefix)
      .markPaused(input.runId, isPaused)
      .catch((error: unknown) => {
        throw workflowFailureOf(error);
      });
    status = { ...status, isPaused };
  };
  setHandler(defineUpdate<undefined>(pauseUpdate), () => setPaused(true));
  setHandler(defineUpdate<undefined>(resumeUpdate), () => setPaused(false));
  return {
    enter: (phase, detail, workWorkflowId) => {
      setCurrentDetails(`**${phase}**: ${detail}`);
      status = { phase, detail, ...(workWorkflowId === undefined ? {} : { workWorkflowId }) };
    },
    knows: (ticket) => {
      known = ticket;
    },
    known: () => known,
    entersLane: () => {
      isInLane = true;
    },
    hadLane: () => isInLane || hasBegun,
    workBegins: (timeoutMs) => condition(() => hasBegun || end !== undefined, timeoutMs),
    workEnds: async (timeoutMs) => {
      await condition(() => end !== undefined, timeoutMs);
      return end;
    },
  };
}

type Agent = ReturnType<typeof agentRequests>;

/** Asks the agent of the run; the update fails with the registered error when it refuses or is not there. */
async function askAgent(
  { queuePrefix }: RunInput,
  { hostId }: RunTicket,
  ask: (agent: Agent) => Promise<void>,
): Promise<void> {
  try {
    await ask(agentRequests({ hostId, queuePrefix }));
  } catch (error) {
    throw workflowFailureOf(isNobodyThere(error) ? fail('agent_silent', { host: hostId }, error) : error);
  }
}

/** K-085, K-086: a limit is a whole number of bytes per second, 0 for none. */
function refuseBadLimits({ transferWindows = [], diskWindows = [], ...rates }: ThrottleInput): void {
  const inWindows = [...transferWindows, ...diskWindows].map((window) => window.bytesPerSecond);
  for (const value of [rates.transferBytesPerSecond, rates.diskBytesPerSecond, ...inWindows]) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue;
    throw workflowFailureOf(
      fail('value_malformed', { text: String(value), what: 'rate limit', expected: 'whole bytes per second from 0' }),
    );
  }
}
