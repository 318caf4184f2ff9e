import type { Warning } from '#core/run/progress.ts';
import { behindText } from './log-behind.ts';
import { enteredText } from './entered-time.ts';
import { givenUpText } from './given-up-time.ts';
import type { RestorePlan } from './plan.ts';
import { youngerText } from './younger-branch.ts';

/** What an operator should know of a plan: its first steps in words, and warnings of the restore that executes it. */
export const warningsOf = ({
  givesUp,
  leavesYounger,
  leavesGivenUp,
  entersGivenUp,
}: Pick<RestorePlan, 'givesUp' | 'leavesYounger' | 'leavesGivenUp' | 'entersGivenUp'>): Warning[] => [
  ...(givesUp === undefined ? [] : [{ code: 'known_log_given_up', detail: behindText(givesUp) }]),
  ...(leavesYounger === undefined ? [] : [{ code: 'younger_timeline_left', detail: youngerText(leavesYounger) }]),
  ...(leavesGivenUp === undefined ? [] : [{ code: 'given_up_time_left_out', detail: givenUpText(leavesGivenUp) }]),
  ...(entersGivenUp === undefined ? [] : [{ code: 'given_up_time_entered', detail: enteredText(entersGivenUp) }]),
];
