import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import type { AgentChannel } from '#core/ports/host-work.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import { runWorkflowId } from '#core/run/queues.ts';
import type { TemporalPlace } from '#wire/connect.ts';
import { openTemporalClient } from '#wire/connect.ts';
import type { KeyRing } from '#wire/key-ring.ts';
import type { PayloadKey } from '#wire/payload-key.ts';
import { pause } from '#activities/host/until-available.ts';

/** Says whether a run is open; undefined when it cannot be asked. */
export type Witness = (runId: RunId) => Promise<boolean | undefined>;

/** Lets a step through when its run is open; see `StepContext.demandOpen`. */
export type RunGate = (step: Pick<StepContext, 'runId' | 'signal' | 'log'>) => Promise<void>;

/** Asks the witnesses in their order; the first that can be asked decides. Nobody there: all of them again after a pause. */
export const openRunGate =
  (witnesses: readonly Witness[], everyMs: number): RunGate =>
  async ({ runId, signal, log }) => {
    for (let round = 0; ; round++) {
      const isOpen = await firstAnswer(witnesses, runId);
      signal.throwIfAborted();
      if (isOpen === true) return;
      if (isOpen === false) throw fail('run_over', { run: runId });
      if (round === 0)
        log({
          level: 'warn',
          message: 'neither the API nor Temporal answers: waiting to hear that the run is still open',
        });
      await pause(everyMs, signal);
    }
  };

async function firstAnswer(witnesses: readonly Witness[], runId: RunId): Promise<boolean | undefined> {
  for (const ask of witnesses) {
    const isOpen = await ask(runId);
    if (isOpen !== undefined) return isOpen;
  }
  return undefined;
}

/** The API speaks of open runs only. */
export const apiWitness =
  (channel: Pick<AgentChannel, 'hooks'>): Witness =>
  async (runId) => {
    try {
      await channel.hooks(runId);
      return true;
    } catch (error) {
      return error instanceof HoldfastError && error.code === 'order_refused' ? false : undefined;
    }
  };

const closedStates: readonly string[] = ['COMPLETED', 'FAILED', 'CANCELLED', 'TERMINATED', 'TIMED_OUT'];
const answerMs = 5000;

/** While the API is away the workflow itself says whether it goes on. One that Temporal does not know says nothing. */
export const temporalWitness =
  (place: TemporalPlace, keys: PayloadKey | KeyRing, clock: Clock): Witness =>
  async (runId) => {
    const client = openTemporalClient(place, keys);
    try {
      const described = client.withDeadline(clock.nowMs() + answerMs, () =>
        client.workflow.getHandle(runWorkflowId(runId)).describe(),
      );
      return !closedStates.includes((await described).status.name);
    } catch {
      // Why no word of it: that nobody answers is told once, by the gate.
      return undefined;
    } finally {
      await client.connection.close();
    }
  };
