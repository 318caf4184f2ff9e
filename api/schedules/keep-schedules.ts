import type { KeptJob } from '#catalog/jobs.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Context } from '../context.ts';
import { inOwnNamespace } from '#api/temporal/own-namespace.ts';
import { openMakeUp } from './make-up.ts';
import { reconcile } from './reconcile.ts';

const everyMs = 180_000;
const retryMs = 5000;

/**
 * Reconciles when the API starts and every three minutes, and fires what no schedule fired; sooner again while Temporal is away. Returns a
 * function that ends it.
 */
export function keepSchedules(context: Context): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const again = (ms: number): void => {
    if (!isOver) timer = setTimeout(look, ms);
  };
  const makeUp = openMakeUp(context);
  const bringInStep = async () => ({ ...(await reconcile(context)), madeUp: await makeUp() });
  const look = (): void => {
    inOwnNamespace(context, bringInStep).then(
      (done) => {
        if (done.made + done.mended + done.removed + done.madeUp > 0)
          context.log.info(done, 'brought schedules in step with the plans');
        again(everyMs);
      },
      (cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : 'no reason given';
        context.log.warn({ cause: reason }, 'schedules wait for Temporal');
        again(retryMs);
      },
    );
  };
  look();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** `pending`: Temporal is away; the job is saved, and its schedule follows when it is back. */
export type ScheduleState = 'in-step' | 'pending';

/** Brings the schedule of one job in step at once. */
export async function putSchedule({ schedules, log }: Context, job: KeptJob): Promise<ScheduleState> {
  return orPending(log, () => schedules.put(job));
}

export async function dropSchedule({ schedules, log }: Context, { id }: KeptJob): Promise<ScheduleState> {
  return orPending(log, () => schedules.remove(schedules.idOf(id)));
}

async function orPending(log: Context['log'], act: () => Promise<void>): Promise<ScheduleState> {
  try {
    await act();
    return 'in-step';
  } catch (cause) {
    if (!(cause instanceof HoldfastError) || cause.code !== 'temporal_unreachable') throw cause;
    log.warn({ cause: cause.message }, 'the schedule of a job waits for Temporal');
    return 'pending';
  }
}
