import type { DrillCheck, DrillVerdictWord } from '#core/drill/drill.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import { cutText } from '#core/text.ts';

/** What a check found. */
export interface Finding {
  readonly verdict: DrillVerdictWord;
  readonly detail: string;
}

export const passed = (detail: string): Finding => ({ verdict: 'passed', detail });
export const failed = (detail: string): Finding => ({ verdict: 'failed', detail });
export const skipped = (detail: string): Finding => ({ verdict: 'skipped', detail });

export interface CheckContext {
  readonly clock: Clock;
  readonly step: StepContext;
}

const longestDetail = 2000;

/** Runs one check; undefined when there was nothing to check. What the instance refuses is a finding, and a lost server too. Throws `cancelled`, `bug`. */
export async function runCheck(
  { clock, step }: CheckContext,
  name: string,
  look: () => Promise<Finding | undefined>,
): Promise<DrillCheck | undefined> {
  if (step.signal.aborted) throw step.signal.reason ?? fail('cancelled', { what: 'the drill' });
  const from = clock.nowMs();
  const finding = await look().catch((error: unknown) => {
    const isFinding = error instanceof HoldfastError && error.class !== 'cancelled' && error.class !== 'bug';
    if (!isFinding || step.signal.aborted) throw error;
    return failed(`${error.message} (${error.code})`);
  });
  if (finding === undefined) return undefined;
  const { verdict, detail } = finding;
  step.log({ level: verdict === 'failed' ? 'error' : 'info', message: `${name}: ${verdict}, ${detail}` });
  return { name, verdict, detail: cutText(detail, longestDetail), seconds: (clock.nowMs() - from) / 1000 };
}
