import type { StepContext } from '#core/ports/step.ts';
import type { Progress } from '#core/run/progress.ts';
import { noProgress } from '#core/run/progress.ts';

export interface Phases {
  /** The step as the copy sees it: it reports under the name of the phase. */
  readonly step: StepContext;
  enter(phase: string): void;
}

/** `lost`: ends the step too, with its reason, e.g. when the session is lost. */
export function phasesOf(step: StepContext, lost?: AbortSignal): Phases {
  let last: Progress = noProgress;
  const report = (progress: Progress): void => {
    last = { ...progress, phase: last.phase };
    step.report(last);
  };
  return {
    step: {
      runId: step.runId,
      signal: lost === undefined ? step.signal : AbortSignal.any([step.signal, lost]),
      report,
      log: (line) => {
        step.log(line);
      },
      limits: () => step.limits(),
      ...(step.reconnectMs === undefined ? {} : { reconnectMs: step.reconnectMs }),
      ...(step.faults === undefined ? {} : { faults: step.faults }),
    },
    enter: (phase) => {
      last = { ...last, phase };
      step.log({ level: 'info', message: `phase ${phase}` });
      step.report(last);
    },
  };
}
