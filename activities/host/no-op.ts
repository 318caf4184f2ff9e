import { noProgress } from '#core/run/progress.ts';
import { attach } from './attach.ts';
import { fetchOrder } from './fetch-order.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { pause } from './until-available.ts';

/** Does nothing for some seconds with all the machinery of a run: proves the way from the CLI to the host and back. */
export const noOp =
  ({ channel, jobs }: HostDeps): HostActivities['noOp'] =>
  (order) =>
    attach(jobs, order, async (step) => {
      const { seconds } = await fetchOrder(channel, 'no-op', step);
      for (let done = 0; done < seconds; done++) {
        step.report({ ...noProgress, phase: 'wait', filesDone: done, filesTotal: seconds });
        await pause(Math.min(1, seconds - done) * 1000, step.signal);
      }
      step.report({ ...noProgress, phase: 'wait', filesDone: seconds, filesTotal: seconds });
      return { warnings: [], report: { seconds } };
    });
