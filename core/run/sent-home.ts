import type { RunOutcome } from '../ports/run-book.ts';

/**
 * A run that a plan started and that finds its ground taken has not failed: it is skipped, with the reason, like one that finds its lane busy
 * (design §4). `codes`: refusals of that kind; what a person starts is refused by them.
 */
export const sentHome = (outcome: RunOutcome, codes: readonly string[] = []): RunOutcome =>
  outcome.state === 'failed' && codes.includes(outcome.code) ? { ...outcome, state: 'skipped' } : outcome;

/** What a drill to a marked instance meets while another run works with that instance. */
export const targetTaken = ['drill_target_busy', 'drill_target_in_use'] as const;
