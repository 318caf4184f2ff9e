import type { Warning } from '#core/run/progress.ts';
import { behindText } from './log-behind.ts';
import type { RestorePlan } from './plan.ts';
import { youngerText } from './younger-branch.ts';

/** What an operator should know of a plan: its first steps in words, and warnings of the restore that executes it. */
export const warningsOf = ({ givesUp, leavesYounger }: Pick<RestorePlan, 'givesUp' | 'leavesYounger'>): Warning[] => [
  ...(givesUp === undefined ? [] : [{ code: 'known_log_given_up', detail: behindText(givesUp) }]),
  ...(leavesYounger === undefined ? [] : [{ code: 'younger_timeline_left', detail: youngerText(leavesYounger) }]),
];
